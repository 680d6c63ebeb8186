"""Pages and figures that explain a result; a leaf that knows nothing of training.

`write_report` makes one self-contained HTML file, `describe_histogram` the colour-histogram floor.
"""

from occreid.report.histogram import describe_histogram
from occreid.report.page import write_report
from occreid.report.summary import Entry

__all__ = ["Entry", "describe_histogram", "write_report"]
