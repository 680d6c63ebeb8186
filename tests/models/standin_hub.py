"""A stand-in of the Hugging Face hub on this machine: making repositories, commits, large files, downloads."""

import base64
import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hub:
    """What the stand-in holds: ``repositories[owner/name][file]``, the commits' summaries, and who may write."""

    def __init__(self):
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.large: dict[str, bytes] = {}
        self.commits: list[str] = []
        self.private: dict[str, bool] = {}
        self.token = "hf_right"

    def revision(self, name: str) -> str:
        listed = json.dumps(
            {k: hashlib.sha1(v).hexdigest() for k, v in self.repositories[name].items()}, sort_keys=True
        )
        return hashlib.sha1(listed.encode()).hexdigest()


@contextmanager
def serving(hub: Hub):
    """The address of the stand-in, as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *words):
            pass

        def _answer(self, status, content=b"", **headers):
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _body(self):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def do_POST(self):
            body = self._body()
            if self.headers.get("Authorization") != f"Bearer {hub.token}":
                return self._answer(401, {"error": "Invalid username or password."})
            if self.path == "/api/repos/create":
                asked = json.loads(body)
                name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
                if name in hub.repositories:
                    return self._answer(409, {"error": "You already created this model repo", "url": self._at(name)})
                hub.repositories[name] = {}
                hub.private[name] = bool(asked.get("private")) or asked.get("visibility") == "private"
                return self._answer(200, {"url": self._at(name), "name": name})
            if self.path == "/api/validate-yaml":
                return self._answer(200, {"errors": [], "warnings": []})
            if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/main", self.path):
                files = json.loads(body)["files"]
                ways = ("lfs" if f["path"].endswith(".safetensors") else "regular" for f in files)
                pairs = zip(files, ways, strict=True)
                return self._answer(
                    200, {"files": [{"path": f["path"], "uploadMode": w, "shouldIgnore": False} for f, w in pairs]}
                )
            if found := re.fullmatch(r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", self.path):
                wanted = json.loads(body)["objects"]
                upload = [{**o, "actions": {"upload": {"href": f"{address}/large/{o['oid']}"}}} for o in wanted]
                return self._answer(
                    200, {"transfer": "basic", "objects": upload}, Content_Type="application/vnd.git-lfs+json"
                )
            if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", self.path):
                name = found[1]
                for line in map(json.loads, body.decode().splitlines()):
                    value = line["value"]
                    if line["key"] == "header":
                        hub.commits.append(value["summary"])
                    elif line["key"] == "file":
                        hub.repositories[name][value["path"]] = base64.b64decode(value["content"])
                    elif line["key"] == "lfsFile":
                        hub.repositories[name][value["path"]] = hub.large[value["oid"]]
                url = f"{self._at(name)}/commit/{hub.revision(name)}"
                return self._answer(200, {"success": True, "commitUrl": url, "commitOid": hub.revision(name)})
            return self._answer(404, {"error": f"the stand-in has no POST {self.path}"})

        def do_PUT(self):
            oid = self.path.removeprefix("/large/")
            body = self._body()
            if hashlib.sha256(body).hexdigest() != oid:
                return self._answer(400)
            hub.large[oid] = body
            return self._answer(200)

        def do_GET(self):
            path = self.path.partition("?")[0]
            if found := re.fullmatch(r"/api/models/([^/]+/[^/]+?)(?:/revision/[^/]+)?", path):
                if found[1] not in hub.repositories:
                    return self._answer(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")
                files = hub.repositories[found[1]]
                facts = {"id": found[1], "sha": hub.revision(found[1]), "private": False, "tags": []}
                return self._answer(200, {**facts, "siblings": [{"rfilename": name} for name in sorted(files)]})
            if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/[^/]+", path):
                files = hub.repositories[found[1]]
                entries = [
                    {"type": "file", "path": n, "size": len(c), "oid": hashlib.sha1(c).hexdigest()}
                    for n, c in files.items()
                ]
                return self._answer(200, entries)
            if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
                content = hub.repositories.get(found[1], {}).get(found[3])
                if content is None:
                    return self._answer(404, {"error": "Entry not found"}, X_Error_Code="EntryNotFound")
                etag = f'"{hashlib.sha256(content).hexdigest()}"'
                return self._answer(200, content, ETag=etag, X_Repo_Commit=hub.revision(found[1]))
            return self._answer(404, {"error": f"the stand-in has no GET {self.path}"})

        do_HEAD = do_GET

        def _at(self, name):
            return f"{address}/{name}"

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()
