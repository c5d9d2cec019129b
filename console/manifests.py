"""Writes manifests of Kubernetes for identities of the mesh: certificates, and a caller's ways through the network."""

from __future__ import annotations

from collections.abc import Sequence

NAMESPACE = "rampart"
CERTIFICATE = """\
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {name}
spec:
  secretName: rampart-{name}-tls
  commonName: {name}
  uris: ["spiffe://rampart.local/{identity}"]
{hosts}\
  duration: 2160h
  renewBefore: 720h
  # ECDSA is what confines the mesh to TLS 1.3 (see meshkit/identity/tls.py).
  privateKey: {{algorithm: ECDSA, size: 256, encoding: PKCS8, rotationPolicy: Always}}
  usages: [{usages}]
  issuerRef: {{group: cert-manager.io, kind: Issuer, name: rampart-mesh}}
"""
HOSTS = """\
  dnsNames: [{hosts}]
  ipAddresses: ["127.0.0.1", "::1"]
"""
OUT = """\
# From the pods of {name}: to these services and nowhere else.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: caller-{name}
spec:
  podSelector:
    matchLabels: {{{labels}}}
  policyTypes: [Ingress, Egress]
  egress:
    - to:
{services}\
      ports: [{{protocol: TCP, port: grpc}}]
"""
IN = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: caller-{name}-to-{service}
spec:
  podSelector:
    matchLabels: {{app.kubernetes.io/name: {service}, app.kubernetes.io/component: process}}
  policyTypes: [Ingress]
  ingress:
    - from:
        - podSelector: {{matchLabels: {{{labels}}}}}
      ports: [{{protocol: TCP, port: grpc}}]
"""
POD = """\
        - podSelector: {{matchLabels: {{app.kubernetes.io/name: {service}, app.kubernetes.io/component: process}}}}
"""
SEPARATOR = "---\n"


def certificate(name: str, identity: str, hosts: Sequence[str] = ()) -> str:
    """Returns cert-manager's certificate of an identity such as "service/fraud". Without `hosts` it serves nothing."""
    return CERTIFICATE.format(
        name=name,
        identity=identity,
        hosts=HOSTS.format(hosts=", ".join(hosts)) if hosts else "",
        usages="digital signature, server auth, client auth" if hosts else "digital signature, client auth",
    )


def caller(name: str, calls: Sequence[str]) -> str:
    """Returns what a caller of one's own needs: its certificate, and the policies to and into the services it calls."""
    labels = f"app.kubernetes.io/name: {name}, app.kubernetes.io/component: caller"
    services = "".join(POD.format(service=service) for service in calls)
    return SEPARATOR.join(
        [
            certificate(f"client-{name}", f"client/{name}"),
            OUT.format(name=name, labels=labels, services=services),
            *[IN.format(name=name, labels=labels, service=service) for service in calls],
        ]
    )
