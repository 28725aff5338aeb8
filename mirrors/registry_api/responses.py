"""From the engine's answers to Django's responses."""

from __future__ import annotations

from typing import BinaryIO

from django.http import FileResponse, HttpResponse, HttpResponseBase

from mirrors.oci.store.distribution import Answer, FilePart


class Slice:
    """A part of an open file, to be read once from start to end."""

    def __init__(self, file: BinaryIO, part: FilePart) -> None:
        file.seek(part.offset)
        self._file = file
        self._remaining = part.length

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`; nothing at the end of the part."""
        chunk = self._file.read(min(size, self._remaining))
        self._remaining -= len(chunk)
        return chunk

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def respond(answer: Answer, *, method: str) -> HttpResponseBase:
    """The response for an answer; for HEAD the same headers without the body."""
    if answer.file is not None and method != "HEAD":
        return _file_response(answer, answer.file)
    body = b"" if method == "HEAD" else answer.body
    return HttpResponse(body, status=answer.status, headers=answer.headers)


def _file_response(answer: Answer, part: FilePart) -> FileResponse:
    file = part.path.open("rb")
    # The whole file goes out by sendfile where the server can; it would send a part's file to its very end.
    source = file if answer.status == 200 else Slice(file, part)
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Type"}
    response = FileResponse(source, status=answer.status, headers=headers, content_type=answer.headers["Content-Type"])
    del response.headers["Content-Disposition"]  # Django's own; blobs have no file name
    return response
