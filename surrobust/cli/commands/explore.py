"""``surrobust explore``: one page over all cells."""

from pathlib import Path

import click

from ...errors import InvalidInputError
from ..options import PATH, check_appendable, common_options, data_dir_option, examples
from ..output import message, print_json


@click.command(epilog=examples("explore --search runs/first --out explorer.html"))
@click.option(
    "--out",
    type=PATH,
    metavar="FILE",
    help="File to write; explorer.html unless it is served.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Serve the page on this port of the loopback interface instead; 0 takes a free one.",
)
@click.option(
    "--search",
    "searched",
    type=PATH,
    metavar="DIR",
    help="Folder with a search.json whose trajectory is drawn.",
)
@data_dir_option
@common_options(seed=False)
def explore(
    out: Path | None,
    port: int | None,
    searched: Path | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Make a page to look at all cells: click an edge, see what changes.

    Predicted values with intervals, measured ones where the tables are, latency, proxy scores,
    neighbours, a scatter of all cells, and the code of a cell. The page is one file and makes no
    request.
    """
    from ...explorer import gather, make_page, write_page
    from ...searches import read_result

    if out is not None and port is not None:
        msg = "--out: expected either a file or --port, got both"
        raise InvalidInputError(msg)
    if port is not None:
        result = None if searched is None else read_result(searched)
        page = make_page(gather(search=result, data_dir=data_dir, progress=message))
        _serve(page, port, as_json=as_json)
        return
    path = Path("explorer.html") if out is None else out
    if path.is_dir():
        msg = f"--out: expected a file to write, got the folder {path}"
        raise InvalidInputError(msg)
    check_appendable(path)
    write_page(path, search=searched, data_dir=data_dir, progress=message)
    if as_json:
        print_json({"page": str(path), "bytes": path.stat().st_size})
    else:
        click.echo(path)


def _serve(page: str, port: int, *, as_json: bool) -> None:
    """Serve until interrupted."""
    from ...explorer import make_server

    try:
        server = make_server(page, port)
    except OSError as error:
        msg = f"--port: expected a free port, got {port}: {error.strerror or error}"
        raise InvalidInputError(msg) from None
    with server:
        address = f"http://127.0.0.1:{server.server_port}/"
        if as_json:
            print_json({"address": address})
        else:
            click.echo(address)
        message("served until interrupted (Ctrl-C)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            message("stopped")
