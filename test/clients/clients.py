"""Two turns with a tool by one client in one dialect: clients.py CLIENT DIALECT streamed|whole BASE_URL. Prints both answers as JSON."""

import asyncio
import json
import os
import sys

FIRST, SECOND = "How is the weather in Oslo?", "Again?"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
CHAT_TOOL = {"type": "function", "function": {"name": "weather", "description": "the weather", "parameters": PARAMETERS}}


def openai_chat(base, streamed):
    from openai import OpenAI

    client = OpenAI(base_url=base, api_key="unused", max_retries=0)
    messages = [{"role": "user", "content": FIRST}]

    def ask():
        asked = {"model": "auto", "messages": messages, "tools": [CHAT_TOOL]}
        if streamed:
            with client.chat.completions.stream(**asked) as stream:
                message = stream.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(**asked).choices[0].message
        messages.append(message)
        return message

    call = ask().tool_calls[0]
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "rain"})
    one = ask().content
    messages.append({"role": "user", "content": SECOND})
    return [one, ask().content]


def openai_responses(base, streamed):
    from openai import OpenAI

    client = OpenAI(base_url=base, api_key="unused", max_retries=0)
    items = [{"role": "user", "content": FIRST}]
    tool = {"type": "function", "name": "weather", "parameters": PARAMETERS, "strict": False}

    def ask():
        asked = {"model": "auto", "input": items, "tools": [tool]}
        if streamed:
            with client.responses.stream(**asked) as stream:
                answer = stream.get_final_response()
        else:
            answer = client.responses.create(**asked)
        items.extend(answer.output)
        return answer

    call = next(item for item in ask().output if item.type == "function_call")
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "rain"})
    one = ask().output_text
    items.append({"role": "user", "content": SECOND})
    return [one, ask().output_text]


def litellm_by(model, base_of):
    def converse(base, streamed):
        import litellm

        litellm.num_retries = 0
        messages = [{"role": "user", "content": FIRST}]

        def ask():
            answer = litellm.completion(
                model=model, api_base=base_of(base), api_key="unused", messages=messages, tools=[CHAT_TOOL], stream=streamed, max_tokens=99
            )
            if streamed:
                answer = litellm.stream_chunk_builder(list(answer), messages=messages)
            message = answer.choices[0].message
            message.content = message.content or None
            messages.append(message.model_dump())
            return message

        call = ask().tool_calls[0]
        messages.append({"role": "tool", "tool_call_id": call.id, "name": "weather", "content": "rain"})
        one = ask().content
        messages.append({"role": "user", "content": SECOND})
        return [one, ask().content]

    return converse


def instructor_chat(base, streamed):
    """Instructor asks for an object by a tool of its own: the model here calls whatever tool it is told of."""
    import instructor
    from openai import OpenAI
    from pydantic import BaseModel

    class weather(BaseModel):
        city: str

    client = instructor.from_openai(OpenAI(base_url=base, api_key="unused", max_retries=0), mode=instructor.Mode.TOOLS)
    asked = {"model": "auto", "messages": [{"role": "user", "content": FIRST}], "max_retries": 0}
    if streamed:
        made = list(client.chat.completions.create_partial(response_model=weather, **asked))[-1]
    else:
        made = client.chat.completions.create(response_model=weather, **asked)
    return [made.city]


def pydantic_ai_by(model_of):
    def converse(base, streamed):
        from pydantic_ai import Agent

        agent = Agent(model_of(base))

        @agent.tool_plain
        def weather(city: str) -> str:
            """the weather"""
            return "rain"

        async def ask(text, history):
            if not streamed:
                ran = await agent.run(text, message_history=history)
                return ran.output, ran.all_messages()
            async with agent.run_stream(text, message_history=history) as ran:
                return await ran.get_output(), ran.all_messages()

        async def both():
            one, history = await ask(FIRST, [])
            two, _ = await ask(SECOND, history)
            return [one, two]

        return asyncio.run(both())

    return converse


def pydantic_openai_chat(base):
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    return OpenAIChatModel("auto", provider=OpenAIProvider(base_url=base, api_key="unused"))


def pydantic_openai_responses(base):
    from pydantic_ai.models.openai import OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    return OpenAIResponsesModel("auto", provider=OpenAIProvider(base_url=base, api_key="unused"))


def pydantic_anthropic(base):
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    client = AsyncAnthropic(base_url=root(base), api_key="unused", max_retries=0)
    return AnthropicModel("auto", provider=AnthropicProvider(anthropic_client=client))


def agents_by(kind):
    def converse(base, streamed):
        import agents
        from openai import AsyncOpenAI

        agents.set_tracing_disabled(True)

        @agents.function_tool
        def weather(city: str) -> str:
            """the weather"""
            return "rain"

        client = AsyncOpenAI(base_url=base, api_key="unused", max_retries=0)
        agent = agents.Agent(name="Asker", model=getattr(agents, kind)(model="auto", openai_client=client), tools=[weather])

        async def ask(items):
            if not streamed:
                return await agents.Runner.run(agent, items)
            ran = agents.Runner.run_streamed(agent, items)
            async for _ in ran.stream_events():
                pass
            return ran

        async def both():
            one = await ask(FIRST)
            two = await ask([*one.to_input_list(), {"role": "user", "content": SECOND}])
            return [one.final_output, two.final_output]

        return asyncio.run(both())

    return converse


def langchain_by(use_responses):
    def converse(base, streamed):
        from langchain_core.messages import HumanMessage, ToolMessage
        from langchain_openai import ChatOpenAI

        chat = ChatOpenAI(model="auto", api_key="unused", base_url=base, max_retries=0, use_responses_api=use_responses).bind_tools([CHAT_TOOL])
        messages = [HumanMessage(FIRST)]

        def text(message):
            said = message.text
            return said() if callable(said) and not isinstance(said, str) else str(said)

        def ask():
            if streamed:
                answer = None
                for chunk in chat.stream(messages):
                    answer = chunk if answer is None else answer + chunk
            else:
                answer = chat.invoke(messages)
            messages.append(answer)
            return answer

        call = ask().tool_calls[0]
        messages.append(ToolMessage(content="rain", tool_call_id=call["id"]))
        one = text(ask())
        messages.append(HumanMessage(SECOND))
        return [one, text(ask())]

    return converse


def root(base):
    return base.removesuffix("/v1")


CLIENTS = {
    "openai": {"chat": openai_chat, "responses": openai_responses},
    "litellm": {"chat": litellm_by("openai/auto", lambda base: base), "messages": litellm_by("anthropic/auto", root)},
    "instructor": {"chat": instructor_chat},
    "pydantic-ai": {
        "chat": pydantic_ai_by(pydantic_openai_chat),
        "responses": pydantic_ai_by(pydantic_openai_responses),
        "messages": pydantic_ai_by(pydantic_anthropic),
    },
    "openai-agents": {"chat": agents_by("OpenAIChatCompletionsModel"), "responses": agents_by("OpenAIResponsesModel")},
    "langchain-openai": {"chat": langchain_by(False), "responses": langchain_by(True)},
}

if __name__ == "__main__":
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    if len(sys.argv) == 1:
        print(json.dumps({client: list(dialects) for client, dialects in CLIENTS.items()}))
    else:
        client, dialect, how, base = sys.argv[1:]
        print(json.dumps(CLIENTS[client][dialect](base, how == "streamed")))
