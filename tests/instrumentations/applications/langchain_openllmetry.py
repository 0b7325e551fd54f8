"""LangChain and LangGraph through OpenLLMetry's instrumentation."""

import langgraph_agent
import telemetry
from opentelemetry.instrumentation.langchain import LangchainInstrumentor

provider = telemetry.start()
LangchainInstrumentor().instrument()
langgraph_agent.run()
provider.shutdown()
