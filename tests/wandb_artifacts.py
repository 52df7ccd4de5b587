"""The part of the stand-in server of Weights & Biases that has artifacts to download."""

import base64
import hashlib
import json
from urllib.parse import unquote

MANIFEST = "wandb_manifest.json"
WHEN = "2026-11-29T12:00:00Z"


def file(server, path):
    """A file of an artifact, by its address; None if it is none."""
    if not path.startswith("/artifacts/"):
        return None
    name, _, wanted = unquote(path).removeprefix("/artifacts/").rpartition("/")
    files = server.artifacts[name]
    if wanted != MANIFEST:
        return files[wanted]
    contents = {
        name: {"digest": base64.b64encode(hashlib.md5(content).digest()).decode(), "size": len(content)}
        for name, content in files.items()
    }
    policy = {"storagePolicy": "wandb-storage-policy-v1", "storagePolicyConfig": {"storageLayout": "V2"}}
    return json.dumps({"version": 1, "contents": contents} | policy).encode()


def answer(server, query, variables):
    """What GraphQL answers about artifacts; None to other questions."""
    if "ArtifactMembershipByName" in query:
        name = f"{variables['entity']}/{variables['project']}/{variables['name']}"
        found = _membership(server, name) if name in server.artifacts else None
        return {"project": {"artifactCollectionMembership": found}}
    if "FetchArtifactManifest" in query:
        address = f"{server.address}/artifacts/{variables['id']}/{MANIFEST}"
        return {"artifact": {"currentManifest": {"file": {"directUrl": address}}}}
    if "GetArtifactMembershipFileUrls" in query:
        name = f"{variables['entity']}/{variables['project']}/{variables['collection']}:{variables['alias']}"
        nodes = [
            {"__typename": "File", "name": file, "directUrl": f"{server.address}/artifacts/{name}/{file}"}
            for file in server.artifacts[name]
        ]
        page = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
        files = {"pageInfo": page, "edges": [{"node": node} for node in nodes]}
        collection = {"__typename": "ArtifactSequence", "artifactMembership": {"files": files}}
        return {"project": {"artifactCollection": collection}}
    return None


def _membership(server, name):
    entity, project, versioned = name.split("/")
    collection, _, version = versioned.partition(":")
    place = {"id": "cA==", "internalId": "cA==", "name": project, "entity": {"name": entity}}
    sequence = {"__typename": "ArtifactSequence", "name": collection, "project": place}
    size = sum(map(len, server.artifacts[name].values()))
    artifact = {
        "__typename": "Artifact", "id": name, "artifactSequence": sequence, "versionIndex": int(version[1:]),
        "artifactType": {"name": "model"}, "description": None, "metadata": "{}", "ttlDurationSeconds": -2,
        "ttlIsInherited": False, "tags": [], "historyStep": None, "state": "COMMITTED", "size": size, "digest": "d",
        "commitHash": "c", "fileCount": len(server.artifacts[name]), "createdAt": WHEN, "updatedAt": None, "aliases": [],
    }  # fmt: skip
    return {
        "__typename": "ArtifactCollectionMembership", "id": "bQ==", "versionIndex": int(version[1:]), "createdAt": WHEN,
        "aliases": [], "artifactCollection": sequence, "artifact": artifact,
    }  # fmt: skip
