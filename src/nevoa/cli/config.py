"""`nevoa config`."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cyclopts import App

from nevoa.cli.options import Json, Plugin, PresetName
from nevoa.config.names import DEFAULT_PRESET, SectionName
from nevoa.config.registry import table_of

if TYPE_CHECKING:
    from nevoa.config import Config
    from nevoa.config.network import Section

app = App(name="config", help="List the keys of the config.")

# Width of the list where there is no terminal: people read it in a pager.
READABLE = 100
# Larger bounds are not shown: they only protect from damaged files.
LARGEST_SHOWN = 2**62


@app.command
def keys(
    section: SectionName | None = None,
    /,
    *,
    preset: PresetName = DEFAULT_PRESET,
    plugin: Plugin = (),
    as_json: Json = False,
) -> None:
    """List every key that 'nevoa train -o SECTION.KEY=VALUE' can set, with its default, values and meaning.

    Args:
        section: List the keys of this section only.
        preset: Preset whose settings are the defaults.
        as_json: Print a JSON list.
    """
    from nevoa.cli.terminal import Records, console
    from nevoa.config import parse
    from nevoa.config.registry import PRESETS

    rows = [row for row in _keys(parse(PRESETS[preset])) if section in (None, row["key"].partition(".")[0])]
    if as_json:
        print(json.dumps(rows))
        return
    cells = [(row["key"], _shown(row["default"]), row["values"], row["meaning"]) for row in rows]
    console(piped=READABLE).print(Records(("key", "default", "values", "meaning"), cells))


def _keys(base: "Config") -> Iterator[dict[str, Any]]:
    """Each key, with its value in a config as the default."""
    from nevoa.config.registry import NETWORKS

    for section, value in base:
        if section != "network":
            yield from _keys_of(section, type(value), value.model_dump(mode="json"))
            continue
        kinds = sorted(NETWORKS)
        yield _row("network.kind", value.kind, ", ".join(kinds), "name of the network.")
        for kind in kinds:
            # A network of another kind has its own defaults.
            given = value.model_dump(mode="json") if kind == value.kind else {}
            for row in _keys_of(section, NETWORKS.options(kind), given):
                if row["key"] != "network.kind":
                    yield row | {"meaning": f"{kind}: {row['meaning']}"}


def _keys_of(section: str, model: "type[Section]", values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    from nevoa.config.network import meanings

    meaning_of = meanings(model)
    for name, field in model.model_json_schema()["properties"].items():
        default = values.get(name, field.get("default"))
        yield _row(f"{section}.{name}", default, _values(field), meaning_of.get(name, ""))


def _row(key: str, default: Any, values: str, meaning: str) -> dict[str, Any]:
    return {"key": key, "default": default, "values": values, "meaning": meaning}


def _shown(default: Any) -> str:
    """A default as it is typed after -o."""
    if isinstance(default, dict):
        return f"{{{', '.join(f'{key}={value}' for key, value in default.items())}}}"
    return "not set" if default is None else default if isinstance(default, str) else json.dumps(default)


def _values(schema: dict[str, Any]) -> str:
    """The values that a JSON schema allows, in words."""
    if "part" in schema:
        return ", ".join(table_of(schema["part"]))
    if "anyOf" in schema:
        parts = [_values(part) for part in schema["anyOf"]]
        return " or ".join(dict.fromkeys(part for part in parts if part))
    if "enum" in schema or "const" in schema:
        return ", ".join(map(str, schema.get("enum", [schema.get("const")])))
    kind = schema.get("type")
    if kind == "array":
        parts = schema.get("prefixItems")
        return f"[{', '.join(map(_values, parts))}]" if parts else f"a list of {_values(schema.get('items', {}))}"
    if kind in ("integer", "number"):
        return _range(schema, "whole number" if kind == "integer" else "number")
    # A pattern marks the class of an object, which no command line can give.
    return {"boolean": "true or false", "string": "" if "pattern" in schema else "text"}.get(str(kind), "")


def _range(schema: dict[str, Any], noun: str) -> str:
    least, most = schema.get("minimum"), schema.get("maximum", schema.get("exclusiveMaximum", LARGEST_SHOWN))
    below = "below" if "exclusiveMaximum" in schema else "to"
    parts = [f"from {least}"] if least is not None else []
    parts += [f"above {schema['exclusiveMinimum']}"] if "exclusiveMinimum" in schema else []
    parts += [f"{below} {most}"] if most < LARGEST_SHOWN else []
    parts += [f"in steps of {schema['multipleOf']}"] if "multipleOf" in schema else []
    return " ".join([noun, *parts])
