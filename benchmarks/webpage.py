"""What an evaluation of a network costs in a browser: the engines of the web page, beside onnxruntime-web.

    npm install --prefix FOLDER onnxruntime-web@1.30.0
    .venv/bin/python benchmarks/webpage.py RUN --onnxruntime FOLDER [--rounds 30]

One thread, one image, Debian's Chromium. All engines evaluate in turn in one page, so that other work on the machine
slows all of them alike. The first evaluations, which compile, are not counted.
"""

import argparse
import base64
import shutil
import statistics
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

import nevoa
from nevoa.formats import onnx, webpage
from nevoa.formats.webpage.page import WORKER, joined, kernels
from nevoa.formats.webpage.tape import recorded
from nevoa.formats.webpage.weights import block_of

MEASURE = """async ([program, block, kernels, shape, classes, rounds]) => {
  const { shaped, unpacked, decoded, inflated, ProcessorEngine, wasmEngine } = nevoa;
  const weights = unpacked(shaped(program), decoded(block).buffer);
  const [fma, plain] = await Promise.all(kernels.map(inflated));
  const x = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * Math.random() - 1);
  const labels = [[classes]], own = (engine) => () => engine.evaluate(x, 500, labels);
  const ort = await import("./dist/ort.wasm.min.mjs");
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create("./m.onnx", { executionProviders: ["wasm"] });
  const inputs = { image: new ort.Tensor("float32", x, [1, ...shape]), timestep: new ort.Tensor("int64", [500n], [1]) };
  if (classes) inputs.label = new ort.Tensor("int64", [BigInt(classes)], [1]);
  const engines = {
    "WebAssembly, relaxed SIMD": own(wasmEngine(program, weights, [fma])),
    "WebAssembly": own(wasmEngine(program, weights, [plain])),
    "JavaScript": own(new ProcessorEngine(program, weights)),
    "onnxruntime-web, WebAssembly": async () => (await session.run(inputs)).prediction.data,
  };
  const times = Object.fromEntries(Object.keys(engines).map((name) => [name, []])), outputs = {};
  for (let round = -3; round < rounds; round++) {
    for (const [name, evaluate] of Object.entries(engines)) {
      const start = performance.now();
      outputs[name] = await evaluate();
      if (round >= 0) times[name].push(performance.now() - start);
    }
  }
  const reference = outputs["onnxruntime-web, WebAssembly"];
  const away = (y) => Math.max(...y.map((value, i) => Math.abs(value - reference[i])));
  return [times, Object.fromEntries(Object.entries(outputs).map(([name, y]) => [name, away(y)]))];
}"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *_: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", help="run folder; the packaged model if it is left out")
    parser.add_argument("--onnxruntime", type=Path, required=True, help="folder in which npm installed onnxruntime-web")
    parser.add_argument("--rounds", type=int, default=30)
    wishes = parser.parse_args()
    model = nevoa.load(wishes.run, "cpu") if wishes.run else nevoa.load(device="cpu")
    steps = model.settings().steps or 1
    program, block = block_of(recorded(model.network, model.shape, len(model.classes)))
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(wishes.onnxruntime / "node_modules/onnxruntime-web/dist", folder / "dist")
        onnx.export(model, folder / "m.onnx")
        (folder / "index.html").write_text("<!doctype html><title>benchmark</title>")
        size = webpage.export(model, folder / "page.html")
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=name))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            library = f"globalThis.nevoa = {{ {', '.join(f'...${name}' for name in WORKER)} }};"
            page.add_script_tag(content=joined(WORKER, library))
            given = [
                program,
                base64.b64encode(block).decode(),
                kernels(),
                model.shape,
                len(model.classes),
                wishes.rounds,
            ]
            times, differences = page.evaluate(MEASURE, given)
            browser.close()
        download = (folder / "dist/ort-wasm-simd-threaded.wasm").stat().st_size
    print(f"The page has {size}; onnxruntime-web alone {download / 1e6:.1f} MB.\n")
    print(f"| engine | ms an evaluation, median | least | ms an image, {steps} steps | largest difference |")
    print("| --- | --- | --- | --- | --- |")
    for engine, found in times.items():
        median = statistics.median(found)
        print(f"| {engine} | {median:.1f} | {min(found):.1f} | {median * steps:.0f} | {differences[engine]:.1g} |")


if __name__ == "__main__":
    main()
