"""GPUs that the roofline page speaks of: what their makers say that they can do at most.

Rates are of dense matrices with sums in float32, as torch and onnxruntime ask for them; GeForce
cards add up float16 products twice as fast in float16, which nothing here does.
"""

from dataclasses import dataclass

PCIE_SHARE = 0.8  # of a bus's rate that copies reach: headers and waiting take the rest (assumed)


@dataclass(frozen=True)
class Card:
    """Operations a second in bfloat16 and in TF32, bytes a second, bytes."""

    name: str
    bf16: float
    tf32: float
    memory_rate: float
    memory: float
    bus_rate: float  # of PCIe, one way
    source: str

    def rate(self, precision: str) -> float:
        """Operations a second: "bf16" or "tf32"."""
        return {"bf16": self.bf16, "tf32": self.tf32}[precision]

    @property
    def copy_rate(self) -> float:
        """Bytes a second between the memory of the machine and that of the card."""
        return PCIE_SHARE * self.bus_rate


CARDS = (
    Card("H100 SXM", 989.4e12, 494.7e12, 3.35e12, 80e9, 64e9, "NVIDIA's H100 data sheet"),
    Card("H200 SXM", 989.4e12, 494.7e12, 4.8e12, 141e9, 64e9, "NVIDIA's H200 data sheet"),
    Card("RTX 4090", 165.2e12, 82.6e12, 1.008e12, 24e9, 32e9, "NVIDIA's Ada architecture paper"),
    # 12.7 TFLOP/s in float32, of which its tensor cores make twice as many in bfloat16
    Card("RTX 3060 12 GB", 25.5e12, 12.7e12, 360e9, 12e9, 32e9, "NVIDIA's Ampere GA10x paper"),
)
