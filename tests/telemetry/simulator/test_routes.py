"""Single answers that no re-enacted capture holds."""

import pytest

from telemetry.simulator import Plan, Simulator
from telemetry.simulator.errors import out_of_memory, shapes_differ

from .client import Client, Json, in_loop, slow_graph

PATHS = ("/prompt", "/queue", "/history", "/api/jobs", "/system_stats", "/features")
FOREVER = slow_graph(steps=1000, delay=60.0)


@pytest.mark.parametrize("path", PATHS)
@in_loop
async def test_it_answers_with_and_without_api(path: str) -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        assert await client.ask("GET", path) == await client.ask("GET", f"/api{path}")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"prompt_id": "run-1"}, "invalid_prompt_id"),
        ({"prompt_id": "DF1D1629-9195-4C65-A35F-203DDB5AE05B"}, "invalid_prompt_id"),
        ({"prompt_id": ""}, "invalid_prompt_id"),
        ({"prompt": {}}, "prompt_no_outputs"),
    ],
)
@in_loop
async def test_it_refuses_with_a_400_that_names_the_error(body: Json, kind: str) -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        status, answer = await client.ask("POST", "/prompt", {"prompt": slow_graph(), **body})

        assert (status, answer["error"]["type"]) == (400, kind)


@in_loop
async def test_it_refuses_a_cycle() -> None:
    graph = slow_graph()
    graph["2"]["inputs"]["image"] = ["3", 0]
    async with Simulator() as simulator, Client(simulator.url) as client:
        status, answer = await client.ask("POST", "/prompt", {"prompt": graph})

        assert (status, answer["error"]["type"]) == (400, "dependency_cycle")


@in_loop
async def test_it_counts_numbers_up_even_on_refused_prompts() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        await client.ask("POST", "/prompt", {"prompt": {}})
        _, second = await client.ask("POST", "/prompt", {"prompt": slow_graph()})
        _, front = await client.ask("POST", "/prompt", {"prompt": slow_graph(), "front": True})
        _, own = await client.ask("POST", "/prompt", {"prompt": slow_graph(), "number": 7.5})

        assert [a["number"] for a in (second, front, own)] == [1, -2, 7.5]


@in_loop
async def test_it_keeps_extra_data_but_no_secrets() -> None:
    extra = {"run_id": "r", "nested": {"a": [1]}, "create_time": 1, "api_key_comfy_org": "s"}
    async with Simulator() as simulator, Client(simulator.url) as client:
        body = {"prompt": FOREVER, "client_id": "mira", "extra_data": extra}
        await client.ask("POST", "/prompt", body, headers={"Comfy-Usage-Source": "app"})

        [item] = (queue := await client.get("/queue"))["queue_running"] or queue["queue_pending"]

        kept = item[3]
        assert kept.pop("create_time") > 1
        assert kept == {
            "run_id": "r",
            "nested": {"a": [1]},
            "client_id": "mira",
            "comfy_usage_source": "app",
        }


@pytest.mark.parametrize("extra_data", [None, [1]])
@in_loop
async def test_it_fails_on_extra_data_that_is_no_object(extra_data: object) -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        body = {"prompt": slow_graph(), "extra_data": extra_data}

        assert (await client.ask("POST", "/prompt", body))[0] == 500


@in_loop
async def test_it_fails_on_all_jobs_while_one_has_a_null_workflow() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        simulator.submit(slow_graph(), extra_data={"extra_pnginfo": {"workflow": None}})

        assert (await client.ask("GET", "/api/jobs"))[0] == 500
        assert (await client.ask("GET", "/queue"))[0] == 200


@in_loop
async def test_it_fails_on_a_history_limit_that_is_no_number() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        assert (await client.ask("GET", "/history?max_items=abc"))[0] == 500


@pytest.mark.parametrize("query", ["status=bogus", "limit=0", "limit=x", "sort_by=x"])
@in_loop
async def test_it_refuses_bad_job_queries(query: str) -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        assert (await client.ask("GET", f"/api/jobs?{query}"))[0] == 400


@in_loop
async def test_it_cancels_what_runs_and_what_waits() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        listener = await client.listen("mira")
        running = simulator.submit(FOREVER, client_id="mira")
        waiting = simulator.submit(FOREVER, client_id="mira")
        # The second node works for a minute before it looks whether it is to stop.
        await listener.has("executing", 2)

        answer = await client.ask("POST", "/api/jobs/cancel", {"job_ids": [running, waiting]})

        assert answer == (200, {"cancelled": True})
        assert await client.get("/api/jobs/" + waiting) == {"error": "Job not found"}
        assert simulator.server.interrupted


@in_loop
async def test_it_frees_memory_when_told() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        simulator.server.memory.loaded["SDXL"] = 5_000_000_000

        body = {"unload_models": True, "free_memory": True}
        assert await client.ask("POST", "/free", body) == (200, None)

        [device] = (await client.get("/system_stats"))["devices"]
        assert device["torch_vram_total"] == 0


@in_loop
async def test_it_unloads_models_on_out_of_memory() -> None:
    async with Simulator(speed=100) as simulator:
        simulator.server.memory.loaded["SDXL"] = 5_000_000_000

        simulator.submit(slow_graph(), plan=Plan(failure=out_of_memory(2)))

        await simulator.idle()
        assert simulator.server.memory.loaded == {}


@in_loop
async def test_it_fails_in_the_sampler_as_planned() -> None:
    async with Simulator(speed=100) as simulator, Client(simulator.url) as client:
        prompt_id = simulator.submit(slow_graph(), plan=Plan(failure=shapes_differ(1)))
        await simulator.idle()

        job = await client.get("/api/jobs/" + prompt_id)

        assert job["status"] == "failed"
        assert job["execution_error"]["node_id"] == "2"
        assert job["execution_error"]["exception_type"] == "ValueError"


@in_loop
async def test_it_interrupts_as_planned() -> None:
    async with Simulator(speed=100) as simulator, Client(simulator.url) as client:
        listener = await client.listen("mira")

        simulator.submit(slow_graph(9), client_id="mira", plan=Plan(interrupt_after=3))

        await listener.has("execution_interrupted")
        assert listener.of("progress")[-1]["value"] == 3


@in_loop
async def test_it_mints_a_sid_for_who_has_none() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        listener = await client.listen()

        [status] = listener.of("status")
        assert len(status["sid"]) == 32


@in_loop
async def test_it_answers_feature_flags_to_the_first_message_only() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        listener = await client.listen("mira")
        for text in ("garbage", '{"type": "feature_flags", "data": {}}', '{"type": "other"}'):
            await listener.ws.send_str(text)
        await listener.has("feature_flags")
        await listener.ws.send_str('{"type": "feature_flags", "data": {}}')

        simulator.submit(slow_graph(1, 0))

        await listener.has("status", 4)
        assert listener.types().count("feature_flags") == 1
