"""Writes small files as `torch.save` does, the same tensors as safetensors, and a file with code in it, for tests/it/torch.rs.

    python make_torch.py

The code would make a file called `ran` where the reader runs; no reader here may. Needs torch and safetensors.
"""

import collections
import os
import pathlib

import torch
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).parent


class Code:
    def __reduce__(self):
        return os.system, ("touch ran",)


def main():
    torch.manual_seed(0)
    shared = torch.randn(5, 4)
    tensors = collections.OrderedDict(
        whole=shared, rows=shared[1:3], column=shared.half()[:, :1].contiguous(), flat=torch.randn(7, dtype=torch.float64),
        brain=torch.randn(2, 3, 2).bfloat16(), one=torch.tensor(2.5), none=torch.empty(0, 3))
    tensors["parameter"] = torch.nn.Parameter(torch.randn(3, 2))
    plain = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    torch.save(tensors, FOLDER / "weights.bin")
    torch.save(dict(tensors), FOLDER / "weights-dict.bin", pickle_protocol=4)
    torch.save(tensors, FOLDER / "weights-old.bin", _use_new_zipfile_serialization=False)
    module = torch.nn.Linear(2, 2)
    torch.save(module.state_dict(), FOLDER / "module.bin")
    save_file({name: tensor.detach() for name, tensor in module.state_dict().items()}, FOLDER / "module.safetensors")
    save_file(plain, FOLDER / "weights.safetensors")
    torch.save({"whole": shared, "code": Code()}, FOLDER / "code.bin")
    torch.save({"transposed": torch.randn(2, 3).T}, FOLDER / "transposed.bin")


main()
