"""The exercises of all lessons: their answers, and the mistakes that readers make."""

from nevoa.lessons.exercises import lesson_1, lesson_2, lesson_3, lesson_4, lesson_5, lesson_6, lesson_7, lesson_8
from nevoa.lessons.exercises.exercise import Exercise

MODULES = lesson_1, lesson_2, lesson_3, lesson_4, lesson_5, lesson_6, lesson_7, lesson_8
EXERCISES: dict[tuple[int, int], Exercise] = {
    (lesson, number): exercise
    for lesson, module in enumerate(MODULES, start=1)
    for number, exercise in enumerate(module.EXERCISES, start=1)
}

__all__ = ["EXERCISES", "Exercise"]
