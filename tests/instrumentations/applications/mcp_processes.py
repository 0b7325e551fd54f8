"""The MCP SDK's own spans in two processes: a client, and a server that it starts."""

import asyncio
import os
import sys

import telemetry
from mcp import Client, StdioServerParameters
from mcp.server import MCPServer
from telemetry import get_weather, traced

provider = telemetry.start()


def serve() -> None:
    server = MCPServer("weather")
    server.tool()(get_weather)
    server.run("stdio")


async def call() -> None:
    itself = StdioServerParameters(
        command=sys.executable, args=[__file__, "serve"], env=dict(os.environ)
    )
    async with Client(itself) as client:
        await client.call_tool("get_weather", {"city": "Paris"})


if sys.argv[1:] == ["serve"]:
    serve()
else:
    traced("agent", lambda: asyncio.run(call()))
provider.shutdown()
