"""A service of its own: runs a task, streams one, and submits one that outlives this process.

WILL_URL names where: nats://host:4222, or grpc://host:50051 for a gateway, which takes the key in WILL_API_KEY.
"""

import asyncio
import os
import sys

from will_client import TaskError, connect


async def main() -> None:
    url = os.environ.get("WILL_URL", "nats://127.0.0.1:4222")
    client, api_key = os.environ.get("WILL_CLIENT", "default"), os.environ.get("WILL_API_KEY")
    async with await connect(url, client=client, api_key=api_key) as will:
        answer = await will.run("text_gen", "Name a bread.", max_output_tokens=20)
        print("run:", answer.model, len(answer.output) > 0)

        pieces = [part.text async for part in will.stream("text_gen", "Name another.", max_output_tokens=20)]
        print("stream:", len("".join(pieces)) > 0)

        task_id = await will.submit("text_gen", "Name a cheese.", max_output_tokens=20)
        stored = await will.result(task_id, timeout_s=60)
        print("submit:", stored.model, len(stored.output) > 0)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except TaskError as error:
        sys.exit(str(error))
