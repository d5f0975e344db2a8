"""The studio as a Space of the Hugging Face Hub: copy this folder into a Space with the SDK gradio."""

import os
from pathlib import Path

from nevoa.studio import serve

DATA = Path("/data")  # persistent storage, if the Space has it

serve(
    DATA if DATA.is_dir() else Path.cwd(),
    host="0.0.0.0",
    port=7860,
    names=[os.environ["SPACE_HOST"]],
    password=os.environ["NEVOA_PASSWORD"],
    browser=False,
)
