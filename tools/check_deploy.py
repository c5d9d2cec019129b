"""Checks deploy/ offline: Kubernetes schemas, kustomizations, names that must meet, compose, the Dockerfile.

What must agree with the code (settings, call graph, metrics) is in tests/contract.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from gateway.edge.trusted import parse_networks

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
KUSTOMIZATIONS = ("base", "migrate", "examples", "examples/caller")
KUBERNETES = "1.37"
PROXIES = "RAMPART_TRUSTED_PROXIES"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""That of libyaml, where PyYAML has it: ten times as fast."""
WITHOUT_SCHEMA = {"Certificate"}
"""Custom resources, which Kubernetes itself does not know."""

Document = dict[str, Any]


class Problem(Exception):
    """Something in deploy/ that would not work. The message says where and what."""


def documents(path: Path) -> list[Document]:
    """Returns the documents of a YAML file. Raises Problem."""
    try:
        found = yaml.load_all(path.read_text(), LOADER)
        return [document for document in found if document is not None]
    except (OSError, yaml.YAMLError) as error:
        raise Problem(f"{path}: {error}") from error


def manifests(folder: Path) -> list[Document]:
    """Returns the resources that a kustomization lists, those of listed kustomizations included."""
    found: list[Document] = []
    for name in documents(folder / "kustomization.yaml")[0]["resources"]:
        path = folder / name
        if not path.exists():
            raise Problem(f"{folder / 'kustomization.yaml'} lists {name}, which does not exist")
        found += manifests(path) if path.is_dir() else documents(path)
    return found


def of_kind(found: list[Document], kind: str) -> dict[str, Document]:
    """Returns the resources of a kind by name."""
    return {document["metadata"]["name"]: document for document in found if document["kind"] == kind}


def check_files_are_listed() -> Iterator[str]:
    for name in KUSTOMIZATIONS:
        folder = DEPLOY / "k8s" / name
        listed = {"kustomization.yaml", *documents(folder / "kustomization.yaml")[0]["resources"]}
        for file in sorted({file.name for file in folder.glob("*.yaml")} - listed):
            yield f"{folder / file} is in no kustomization"


def check_schemas() -> Iterator[str]:
    for name in KUSTOMIZATIONS:
        for document in manifests(DEPLOY / "k8s" / name):
            where = f"{name}: {document['kind']} {document['metadata']['name']}"
            if document["kind"] in WITHOUT_SCHEMA:
                continue
            try:
                # A round trip through JSON: anchors become copies and only what Kubernetes can read remains.
                kubernetes_validate.validate(json.loads(json.dumps(document)), KUBERNETES, strict=True)
            except kubernetes_validate.SchemaNotFoundError as error:
                yield f"{where}: {error.message}"
            except kubernetes_validate.ValidationError as error:
                yield f"{where}: {error.message} at {'/'.join(map(str, error.path))}"


def check_names_are_unique() -> Iterator[str]:
    for name in KUSTOMIZATIONS:
        seen: set[tuple[str, str]] = set()
        for document in manifests(DEPLOY / "k8s" / name):
            key = (document["kind"], document["metadata"]["name"])
            if key in seen:
                yield f"{name}: {key[0]} {key[1]} is there twice"
            seen.add(key)


def check_references() -> Iterator[str]:
    """Selectors, scale targets, volumes, config maps and ports that name something must meet it."""
    found = manifests(DEPLOY / "k8s" / "examples")
    deployments = of_kind(found, "Deployment")
    pods = {name: document["spec"]["template"] for name, document in deployments.items()}
    generated = documents(DEPLOY / "k8s/base/kustomization.yaml")[0]["configMapGenerator"]
    maps = {each["name"] for each in generated}
    for name, deployment in deployments.items():
        labels = pods[name]["metadata"]["labels"]
        if not deployment["spec"]["selector"]["matchLabels"].items() <= labels.items():
            yield f"Deployment {name} does not select its own pods"
        for container in pods[name]["spec"]["containers"]:
            yield from _check_container(name, container, pods[name]["spec"], maps)
    for kind in ("Service", "PodDisruptionBudget"):
        for name, document in of_kind(found, kind).items():
            selector = document["spec"]["selector"].get("matchLabels", document["spec"]["selector"])
            selected = [pod for pod, each in pods.items() if selector.items() <= each["metadata"]["labels"].items()]
            if selected != [name]:
                yield f"{kind} {name} selects {selected}"
    for name, document in of_kind(found, "HorizontalPodAutoscaler").items():
        if document["spec"]["scaleTargetRef"] != {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}:
            yield f"HorizontalPodAutoscaler {name} scales something else"


def _check_container(name: str, container: Document, pod: Document, maps: set[str]) -> Iterator[str]:
    volumes = {volume["name"] for volume in pod["volumes"]}
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    if volumes != mounts:
        yield f"Deployment {name}: volumes {sorted(volumes)} and mounts {sorted(mounts)} differ"
    missing = {source["configMapRef"]["name"] for source in container["envFrom"]} - maps
    if missing:
        yield f"Deployment {name} reads the missing ConfigMap {missing}"
    ports = {port["name"] for port in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if container.get(probe, {}).get("httpGet", {}).get("port") not in ports:
            yield f"Deployment {name} lacks a {probe} on one of its ports"


def check_images() -> Iterator[str]:
    """Every image of ours has a tag from its kustomization, and nothing anywhere floats."""
    for folder in ("base", "migrate"):
        kustomization = documents(DEPLOY / "k8s" / folder / "kustomization.yaml")[0]
        tags = {image["name"]: str(image["newTag"]) for image in kustomization["images"]}
        used = {
            container["image"]
            for document in manifests(DEPLOY / "k8s" / folder)
            if document["kind"] in ("Deployment", "Job")
            for container in document["spec"]["template"]["spec"]["containers"]
        }
        if used != tags.keys() or "latest" in tags.values():
            yield f"{folder}: the images {sorted(used)} do not have the tags {tags}"
    for name, service in documents(DEPLOY / "compose.yaml")[0]["services"].items():
        if not re.fullmatch(r"[a-z/]+:[a-z0-9.-]+", service["image"]) or service["image"].endswith(":latest"):
            yield f"compose.yaml: {name} floats with {service['image']}"


def check_compose() -> Iterator[str]:
    """Networks, volumes, secrets and dependencies are declared; every container of ours is locked down."""
    compose = documents(DEPLOY / "compose.yaml")[0]
    services = compose["services"]
    for name, service in services.items():
        secrets = {each if isinstance(each, str) else each["source"] for each in service.get("secrets", [])}
        unknown = secrets - compose["secrets"].keys()
        unknown |= set(service.get("networks", [])) - compose["networks"].keys()
        unknown |= service.get("depends_on", {}).keys() - services.keys()
        if unknown:
            yield f"compose.yaml: {name} names {sorted(unknown)}, which is not there"
        locked = service.get("read_only") and service.get("cap_drop") == ["ALL"]
        if not locked or "no-new-privileges:true" not in service.get("security_opt", []):
            yield f"compose.yaml: {name} is not locked down"
        if "healthcheck" not in service:
            yield f"compose.yaml: {name} has no health check"


def check_dockerfile() -> Iterator[str]:
    """Pinned bases, a user that is not root, commands that get signals, hashes, and only files that exist."""
    text = (DEPLOY / "docker/Dockerfile").read_text()
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    stages = {line.split(" AS ")[1] for line in lines if line.startswith("FROM ") and " AS " in line}
    for base in (line.split()[1] for line in lines if line.startswith("FROM ")):
        if base not in stages and base != "${SERVICE}" and not re.fullmatch(r"[a-z]+:\d+\.\d+[a-z0-9.-]*", base):
            yield f"Dockerfile: the base {base} is not pinned"
    if [line for line in lines if line.startswith("USER ")] != ["USER 10001:10001"]:
        yield "Dockerfile: the processes do not run as the user 10001"
    for line in lines:
        if line.startswith(("ENTRYPOINT ", "CMD ")) and not line.split(" ", 1)[1].startswith("["):
            yield f"Dockerfile: {line} runs under a shell, which keeps signals from the process"
        if line.startswith("COPY ") and "--from" not in line and not (ROOT / line.split()[1]).exists():
            yield f"Dockerfile: {line} copies what does not exist"
    if "--require-hashes" not in text:
        yield "Dockerfile: dependencies are installed without hashes"


def check_proxies_are_trusted() -> Iterator[str]:
    """Who is called through an Ingress trusts its controller, else all callers share the controller's address."""
    for name in KUSTOMIZATIONS:
        folder = DEPLOY / "k8s" / name
        found = manifests(folder)
        behind = {
            path["backend"]["service"]["name"]
            for ingress in of_kind(found, "Ingress").values()
            for rule in ingress["spec"]["rules"]
            for path in rule["http"]["paths"]
        }
        for service in sorted(behind):
            selector = of_kind(found, "Service")[service]["spec"]["selector"]
            proxies = _environment(folder, selector["app.kubernetes.io/name"]).get(PROXIES, "")
            try:
                networks, unix = parse_networks(part.strip() for part in proxies.split(",") if part.strip())
            except ValueError as error:
                yield f"{name}: {PROXIES} of {service}: {error}"
            else:
                if unix or not networks or any(network.prefixlen == 0 for network in networks):
                    yield f"{name}: {service} is behind an Ingress, and {PROXIES} is {proxies!r}: not its controller"


def _environment(folder: Path, deployment: str) -> dict[str, str]:
    """Returns the variables that a kustomization gives a deployment, added ones included."""
    (container,) = of_kind(manifests(folder), "Deployment")[deployment]["spec"]["template"]["spec"]["containers"]
    added = [
        change["value"]
        for patch in documents(folder / "kustomization.yaml")[0].get("patches", [])
        if patch["target"] == {"kind": "Deployment", "name": deployment}
        for change in yaml.safe_load(patch["patch"])
        if (change["op"], change["path"]) == ("add", "/spec/template/spec/containers/0/env/-")
    ]
    return {variable["name"]: variable.get("value", "") for variable in (*container["env"], *added)}


CHECKS: tuple[Callable[[], Iterator[str]], ...] = (
    check_files_are_listed,
    check_schemas,
    check_names_are_unique,
    check_references,
    check_images,
    check_proxies_are_trusted,
    check_compose,
    check_dockerfile,
)


def problems() -> list[str]:
    """Returns all that is wrong."""
    found: list[str] = []
    for check in CHECKS:
        try:
            found += check()
        except Problem as problem:
            found.append(str(problem))
    return found


def main() -> int:
    found = problems()
    print("\n".join(found), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
