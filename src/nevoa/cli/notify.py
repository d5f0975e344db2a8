"""Notify the user that a long training has finished."""

import os
import sys

# Apprise addresses. Not an option of the command line, because most of them contain a password.
URLS = "NEVOA_NOTIFY_URLS"
DESKTOP = {"linux": "dbus://", "darwin": "macosx://", "win32": "windows://"}


def notify(title: str, body: str) -> None:
    """Ring the terminal bell; with Apprise, also message the services in NEVOA_NOTIFY_URLS, or the desktop."""
    from nevoa.cli.terminal import console

    console(stderr=True).bell()
    urls = os.environ.get(URLS, "").split()
    try:
        import apprise
    except ImportError:
        if urls:
            print(f"nevoa: {URLS} is set, but Apprise is missing: pip install 'nevoa[notify]'.", file=sys.stderr)
        return
    messenger = apprise.Apprise()
    for url in urls or [DESKTOP.get(sys.platform, "dbus://")]:
        messenger.add(url)
    if not messenger.notify(body=body, title=title) and urls:
        print(f"nevoa: at least one service in {URLS} did not accept the message.", file=sys.stderr)
