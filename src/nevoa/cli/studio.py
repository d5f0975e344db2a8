"""`nevoa studio`."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.types import ExistingDirectory, UInt16


def studio(
    *,
    workspace: Annotated[ExistingDirectory, Parameter(show_default=False)] = Path(),
    host: str = "127.0.0.1",
    port: UInt16 = 7861,
    name: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    auth: Annotated[str | None, Parameter(metavar="PASSWORD", env_var="NEVOA_PASSWORD")] = None,
    no_browser: bool = False,
) -> None:
    """Open a page to train, watch and use models. Trainings go on when the page or its server is closed.

    Args:
        workspace: Folder that contains runs/; all that the page makes is in it. [default: this folder]
        host: Address to listen at. With any other than 127.0.0.1 the page asks for a password.
        port: Port to listen at.
        name: Name under which browsers reach the page, such as studio.example.org; may be repeated.
        auth: Password that the page asks for. Others on this machine can see a command, but not the variable.
            [default: none at 127.0.0.1; else one is made and printed]
        no_browser: Open no browser.
    """
    from nevoa._util.packages import needs

    needs("studio", "gradio", "uvicorn")
    # By name: both rooms are at the top of the house, and neither knows the other.
    import_module("nevoa.studio").serve(workspace, host, port, names=name, password=auth, browser=not no_browser)
