"""What operations are grouped under."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from gateway.describe.comments import Comments
from gateway.describe.openapi.tags import Tags


@pytest.mark.parametrize(
    ("services", "tags"),
    [
        (["acme.library.v1.Books", "acme.shop.v1.Offers"], ["library", "shop"]),
        (["acme.library.v1.LibraryService", "acme.library.v1.LoanCardService"], ["library", "loan_card"]),
        (["acme.library.v1.Books", "acme.library.v1.LoanService"], ["Books", "LoanService"]),
        (["acme.library.v1.Books", "acme.library.v1.Loans", "acme.shop.v1.Offers"], ["Books", "Loans", "shop"]),
        (
            ["acme.library.v1.LibraryService", "acme.library.v1.ShopService", "acme.shop.v1.Offers"],
            ["library", "acme.library.v1.ShopService", "acme.shop.v1.Offers"],
        ),
        (["a.library.v1.Books", "b.library.v1.Books"], ["a.library.v1.Books", "b.library.v1.Books"]),
        (["library.Books"], ["library"]),
        (["Books"], ["Books"]),
    ],
)
def test_a_service_has_a_short_name_that_no_other_has(services: list[str], tags: list[str]) -> None:
    pool, files = DescriptorPool(), FileDescriptorSet()
    for number, full_name in enumerate(services):
        package, _, name = full_name.rpartition(".")
        file = FileDescriptorProto(name=f"{number}.proto", package=package, syntax="proto3")
        file.message_type.add(name=f"Thing{number}")
        kind = f".{package}.Thing{number}" if package else f".Thing{number}"
        file.service.add(name=name).method.add(name="Get", input_type=kind, output_type=kind)
        pool.Add(file)
        files.file.append(file)
    methods = [pool.FindServiceByName(name).methods_by_name["Get"] for name in services]
    found = Tags(methods, Comments(files))
    assert [found.of(f"/{name}/Get") for name in services] == tags
    assert [tag["name"] for tag in found.all] == tags
