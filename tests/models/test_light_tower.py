import timm
import torch

from workflow_scripts.models.light_clip import make_clip
from workflow_scripts.models.light_tower import GRID, StridedCnn


def test_open_clip_builds_it_from_a_plain_config():
    vision = {"image_size": 128, "timm_model_name": "strided_cnn", "timm_pool": "", "timm_proj": ""}
    text = {"vocab_size": 49408, "width": 64, "heads": 2, "layers": 1}
    clip = make_clip({"embed_dim": 24, "vision_cfg": vision, "text_cfg": text})
    assert isinstance(clip.visual.trunk, StridedCnn)
    for side in (96, 128):  # it is trained on smaller images first
        assert clip.visual(torch.zeros(2, 3, side, side)).shape == (2, 24)


def test_it_reads_out_each_place_by_itself():
    net = timm.create_model("strided_cnn", num_classes=GRID**2).eval()
    with torch.no_grad():
        net.head.bias.zero_()
        weight = net.head.weight.view(GRID**2, -1, GRID**2)
        weight.zero_()
        for cell in range(GRID**2):
            weight[cell, :, cell] = 1
        plain = torch.zeros(1, 3, 256, 256)
        marked = plain.clone()
        marked[..., :32, :32] = 1
        changed = (net(marked) - net(plain)).abs()[0] > 1e-6
    assert changed[0] and not changed[GRID**2 - 1]
    assert changed.sum() <= 4  # the cell of the mark, and those that its edges reach
