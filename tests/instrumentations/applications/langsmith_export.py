"""LangChain and LangGraph through LangSmith's OpenTelemetry export, without LangSmith.

LANGSMITH_TRACING, LANGSMITH_OTEL_ENABLED and LANGSMITH_OTEL_ONLY are set, as its
documentation says.
"""

import langgraph_agent
import telemetry
from langchain_core.tracers.langchain import wait_for_all_tracers

provider = telemetry.start()
langgraph_agent.run()
wait_for_all_tracers()
provider.shutdown()
