"""What a graph asks of a GPU."""

import json

import pytest

from history.baseline.fingerprint import (
    Drivers,
    Fingerprint,
    Model,
    fingerprint_of,
    named_workload,
    workload_of_run,
)


def image(**changes):
    """Return an image's graph; changes are inputs of nodes as `node__input`."""
    graph = {
        "1": ("CheckpointLoaderSimple", {"ckpt_name": "sdxl.safetensors"}),
        "2": ("CLIPTextEncode", {"text": "a harbor", "clip": ["1", 1]}),
        "3": ("EmptyLatentImage", {"width": 1024, "height": 768, "batch_size": 2}),
        "4": (
            "KSampler",
            {
                **{"seed": 1, "steps": 20, "cfg": 7.0, "denoise": 1.0},
                **{"sampler_name": "euler", "scheduler": "karras"},
                **{"model": ["1", 0], "positive": ["2", 0], "latent_image": ["3", 0]},
            },
        ),
        "5": ("VAEDecode", {"samples": ["4", 0], "vae": ["1", 2]}),
    }
    for name, value in changes.items():
        node, _, key = name.removeprefix("_").partition("__")
        graph[node][1][key] = value
    return graph


def fingerprint(graph):
    nodes = {key: {"class_type": name, "inputs": inputs} for key, (name, inputs) in graph.items()}
    return fingerprint_of(json.dumps(nodes).encode())


def test_it_reads_the_drivers_of_an_image():
    assert fingerprint(image()).drivers == Drivers(20, 1024, 768, None, 2)


def test_cost_is_steps_times_megapixels_times_frames_times_batch():
    assert Drivers(20, 1000, 500, None, 2).cost == pytest.approx(20.0)
    assert Drivers(20, 1000, 500, 81, 1).cost == pytest.approx(810.0)


@pytest.mark.parametrize("missing", ["steps", "width", "height"])
def test_without_steps_or_size_nobody_knows_the_cost(missing):
    drivers = {"steps": 20, "width": 1000, "height": 1000, missing: None}

    assert Drivers(**drivers).cost is None


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("WanImageToVideo", {"width": 832, "height": 480, "length": 81, "batch_size": 1}),
        ("EmptyHunyuanLatentVideo", {"width": 832, "height": 480, "length": 81, "batch_size": 1}),
        ("WanVideoEmptyEmbeds", {"width": 832, "height": 480, "num_frames": 81, "batch": 1}),
        ("SVD_img2vid_Conditioning", {"width": 832, "height": 480, "video_frames": 81, "batch": 1}),
        ("NobodyKnowsThisNode", {"width": 832, "height": 480, "frames": 81, "batch_size": 1}),
    ],
)
def test_it_reads_the_size_of_a_video(name, inputs):
    graph = image() | {"3": (name, inputs)}

    assert fingerprint(graph).drivers == Drivers(20, 832, 480, 81, 1)


def test_a_latents_size_counts_and_not_that_of_a_scaled_picture():
    graph = image() | {"6": ("ImageScale", {"image": ["5", 0], "width": 4096, "height": 3072})}

    assert fingerprint(graph).drivers.width == 1024


def test_two_samplers_share_the_steps_that_each_goes_through():
    half = {"steps": 20, "start_at_step": 0, "end_at_step": 12, "latent_image": ["3", 0]}
    rest = {"steps": 20, "start_at_step": 12, "end_at_step": 10000, "latent_image": ["4", 0]}
    graph = image() | {"4": ("KSamplerAdvanced", half), "6": ("KSamplerAdvanced", rest)}

    assert fingerprint(graph).drivers.steps == 20


def test_it_finds_steps_at_a_scheduler_of_its_own():
    graph = image() | {
        "4": ("SamplerCustomAdvanced", {"sigmas": ["6", 0], "latent_image": ["3", 0]}),
        "6": ("BasicScheduler", {"steps": 8, "scheduler": "simple", "denoise": 1.0}),
    }

    assert fingerprint(graph).drivers.steps == 8


def test_it_follows_a_number_that_another_node_hands_on():
    graph = image(_4__steps=["6", 0]) | {"6": ("PrimitiveInt", {"value": 30})}

    assert fingerprint(graph).drivers.steps == 30


def test_it_names_models_and_samplers():
    graph = image() | {
        "6": ("LoraLoader", {"lora_name": "ink.safetensors", "strength_model": 0.8}),
        "7": ("VAELoader", {"vae_name": "fine.pt"}),
        "8": ("WanVideoModelLoader", {"model": "Wan2_1.safetensors"}),
        "9": ("SomebodysLoader", {"weights": "own.gguf"}),
    }

    found = fingerprint(graph)

    assert found.models == (
        Model("LoRA", "ink.safetensors"),
        Model("VAE", "fine.pt"),
        Model("checkpoint", "Wan2_1.safetensors"),
        Model("checkpoint", "sdxl.safetensors"),
        Model("model", "own.gguf"),
    )
    assert found.samplers == ("euler", "karras")


@pytest.mark.parametrize(
    "changes",
    [
        {"_4__steps": 40},
        {"_3__width": 512},
        {"_3__batch_size": 8},
        {"_1__ckpt_name": "flux.safetensors"},
        {"_4__sampler_name": "heun"},
        {"_4__cfg": 5.5},
        {"_4__denoise": 0.6},
    ],
)
def test_a_family_has_other_sizes_models_and_samplers(changes):
    one, other = fingerprint(image()), fingerprint(image(**changes))

    assert one.workload != other.workload
    assert one.family == other.family


@pytest.mark.parametrize(
    "changes",
    [{"_4__cfg": 1.0}, {"_4__tiles": 4}, {"_4__tiled": True}, {"_5__tile_mode": "fast"}],
)
def test_what_may_change_the_cost_in_unknown_ways_is_another_family(changes):
    assert fingerprint(image()).family != fingerprint(image(**changes)).family


def test_a_family_holds_when_the_number_of_steps_is_handed_on():
    few, many = (
        fingerprint(image(_4__steps=["6", 0]) | {"6": ("PrimitiveInt", {"value": steps})})
        for steps in (20, 40)
    )

    assert (few.family, few.drivers.steps, many.drivers.steps) == (many.family, 20, 40)


def test_the_number_of_a_seed_is_no_other_work():
    assert fingerprint(image()) == fingerprint(image(_4__seed=7, _2__text="a comet"))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"1": 3}', b'{"a":' * 5000])
def test_it_never_raises_on_a_hostile_graph(raw):
    assert fingerprint_of(raw).drivers == Drivers()


def test_it_never_raises_on_hostile_inputs():
    hostile = [["2", 0], ["4", "x"], {"a": []}, None, True, -1, 0, 1e300, "20", [["4", 0], 1]]

    for value in hostile:
        found = fingerprint(image(_4__steps=value, _3__width=value, _4__cfg=value))
        assert found.workload is not None


def test_work_without_a_graph_is_named():
    assert named_workload("story", 3, 25) == named_workload("story", 3, 25)
    assert named_workload("story", 3, 25) != named_workload("story", 4, 25)
    assert named_workload("a", "bc") != named_workload("ab", "c")


def test_a_run_is_its_scenes_in_order():
    one, other = Fingerprint("one"), Fingerprint("other")

    assert workload_of_run([one, other]) == workload_of_run([one, other])
    assert workload_of_run([one, other]) != workload_of_run([other, one])


def test_a_run_with_an_unknown_scene_is_unknown():
    assert workload_of_run([Fingerprint("one"), Fingerprint()]).workload is None
    assert workload_of_run([]).workload is None
