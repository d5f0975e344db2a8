"""Put a run's model into the package, in half precision: `nevoa sample NAME` draws with it.

python scripts/make_packaged.py RUN NAME
"""

import json
import shutil
import sys
from pathlib import Path

from safetensors.torch import load_file, save_file

from nevoa._util.files import sha256
from nevoa.config.toml import to_toml
from nevoa.runs import Run
from nevoa.runs.packaged import FOLDER

LIMIT_BYTES = 8_000_000


def main(folder: Path, name: str) -> None:
    run, packaged = Run(folder), Run(FOLDER / name)
    packaged.weights_file.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.half() for name, tensor in load_file(run.weights_file).items()}
    size = sum(tensor.nbytes for tensor in tensors.values())
    if size > LIMIT_BYTES:
        sys.exit(f"{size / 1e6:.1f} MB of weights are too much for the package.")
    save_file(tensors, packaged.weights_file)
    about = json.loads(run.model_config_file.read_text()) | {"sha256": sha256(packaged.weights_file)}
    # Fast here is slow elsewhere: without bf16 units float32 is ten times as fast.
    about["plan"]["training"]["precision"] = "float32"
    # Elsewhere the folder of the images is not where it is here.
    plan, source = run.plan(), {"source": run.config().data.source}
    about["plan"]["data"] |= source
    packaged.model_config_file.write_text(json.dumps(about, indent=2) + "\n")
    shutil.copy(run.config_file, packaged.config_file)
    packaged.plan_file.write_text(to_toml(plan.model_copy(update={"data": plan.data.model_copy(update=source)})))
    print(f"{packaged.weights_file}: {size / 1e6:.1f} MB\nWrite the card by hand: {packaged.card_file}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
