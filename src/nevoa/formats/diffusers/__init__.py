"""Models as folders of the library diffusers, out and in. Needs `pip install 'nevoa[diffusers]'`."""
