"""Tools for the lessons: checks of exercises, the source behind an equation, a toy data set, a slider."""

from nevoa.lessons.lesson import Lesson
from nevoa.lessons.photograph import photo
from nevoa.lessons.slider import Slider
from nevoa.lessons.source import Source, show_source
from nevoa.lessons.toy import Mixture, four_peaks, two_peaks

__all__ = ["Lesson", "Mixture", "Slider", "Source", "four_peaks", "photo", "show_source", "two_peaks"]
