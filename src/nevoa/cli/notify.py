"""A word when a long training is done."""

import os
import sys

# Addresses in Apprise's notation; not an option, since most of them carry a password.
URLS = "NEVOA_NOTIFY_URLS"
DESKTOP = {"linux": "dbus://", "darwin": "macosx://", "win32": "windows://"}


def notify(title: str, body: str) -> None:
    """Ring the bell. With Apprise installed, also tell the services in NEVOA_NOTIFY_URLS, else the desktop."""
    print("\a", end="", file=sys.stderr, flush=True)
    urls = os.environ.get(URLS, "").split()
    try:
        import apprise
    except ImportError:
        if urls:
            print(f"nevoa: {URLS} is set, but messages need nevoa[notify].", file=sys.stderr)
        return
    messenger = apprise.Apprise()
    for url in urls or [DESKTOP.get(sys.platform, "dbus://")]:
        messenger.add(url)
    if not messenger.notify(body=body, title=title) and urls:
        print(f"nevoa: not every service in {URLS} took the message.", file=sys.stderr)
