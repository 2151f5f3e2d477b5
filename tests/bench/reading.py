"""`make bench`, reading: a 100-page text and a 100-page PDF, as one JSON object with the machine and the versions.

Figures to reach (design §11): text ≤ 1 s, PDF ≤ 10 s and ≤ 300 MiB. Best of three; the text by the pure reading, the PDF through
the sandbox with the peak memory of its child.
"""

import asyncio
import importlib.metadata
import json
import os
import platform
import random
import sys
import time

from services.ingest.domain.reading import read
from services.ingest.sandbox import read_safely
from tests.ingest.documents import pdf
from tests.ingest.test_sandbox import peak_memory

PAGES = 100


def text() -> bytes:
    """About 100 pages of 600 characters: 387 numbered measures."""
    rng = random.Random(7)
    lines = ["示例市人民政府关于印发示例方案的通知", "", "各区人民政府：", "", "为支持企业，制定本方案。", ""]
    for number in range(1, 388):
        words = "".join(rng.choice(["支持企业创新，", "完善服务体系，", "压缩办理时间，", "加强要素保障，"]) for _ in range(16))
        lines += [f"{number}. 推进第{number}项工作。{words}给予每家{number}万元奖励。（责任单位：市工信局、财政局）", ""]
    return "\n".join(lines).encode()


def pages() -> bytes:
    """A PDF of 100 pages with 40 lines each."""
    line = "第{page}页第{line}行，对符合条件的企业给予不超过{yuan}万元的奖励。"
    return pdf([[line.format(page=page, line=number, yuan=page * number) for number in range(40)] for page in range(PAGES)])


async def main() -> int:
    """Measure and print."""
    given, drawn = text(), pages()
    of_text, of_pdf, memory = [], [], []
    for _ in range(3):
        begun = time.perf_counter()
        measures = len(read(given).measures)
        of_text.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        with peak_memory() as peak:
            found = await read_safely(drawn, "a.pdf")
        of_pdf.append(time.perf_counter() - begun)
        memory.append(peak[0] / 1024 / 1024)
        assert found.pages == PAGES
    report = {
        "text": {"characters": len(given.decode()), "measures": measures, "seconds": round(min(of_text), 3)},
        "pdf": {"pages": PAGES, "seconds": round(min(of_pdf), 3), "MiB": round(max(memory), 1)},
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
        "versions": {name: importlib.metadata.version(name) for name in ("pypdfium2", "pypdf", "selectolax")},
    }
    print(json.dumps(report, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
