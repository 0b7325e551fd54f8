"""LangChain and LangGraph through OpenInference's instrumentation."""

import langgraph_agent
import telemetry
from openinference.instrumentation.langchain import LangChainInstrumentor

provider = telemetry.start()
LangChainInstrumentor().instrument()
langgraph_agent.run()
provider.shutdown()
