// A Mastra agent with a tool, a stream and a failure, exported by Mastra's own OTLP exporter.
import { createOpenAI } from "@ai-sdk/openai";
import { Agent } from "@mastra/core/agent";
import { Mastra } from "@mastra/core/mastra";
import { createTool } from "@mastra/core/tools";
import { Observability } from "@mastra/observability";
import { OtelExporter } from "@mastra/otel-exporter";
import { z } from "zod";

const openai = createOpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: "none" });
const get_weather = createTool({
  id: "get_weather",
  description: "Get the current weather of a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async (given) => `18 degrees and sunny in ${(given.context ?? given).city}`,
});

function named(name, model, instructions = "", more = {}) {
  return new Agent({ id: name, name, instructions, model: openai.chat(model), maxRetries: 0, ...more });
}

const weather = named("weather", "gpt-4o", "Answer in one sentence.", { tools: { get_weather } });
const mastra = new Mastra({
  agents: { weather, plain: named("plain", "gpt-4o"), failing: named("failing", "fail-400") },
  observability: new Observability({
    configs: {
      otel: {
        serviceName: "weather",
        exporters: [
          new OtelExporter({
            provider: {
              custom: {
                endpoint: `${process.env.OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces`,
                protocol: "http/protobuf",
              },
            },
          }),
        ],
      },
    },
  }),
});
const tracingOptions = { metadata: { sessionId: "chat-1", userId: "user-1" } };

async function agent() {
  await mastra.getAgent("weather").generate("What is the weather in Paris?", {
    modelSettings: { temperature: 0.2 },
    maxSteps: 5,
    tracingOptions,
  });
}

async function stream() {
  const answer = await mastra.getAgent("plain").stream("Why is the sky blue?", { tracingOptions });
  for await (const _ of answer.textStream);
}

async function failure() {
  await mastra.getAgent("failing").generate("What is the weather in Paris?", {
    modelSettings: { maxRetries: 0 },
    tracingOptions,
  });
}

for (const scene of [agent, stream, failure]) {
  await scene().catch((error) => console.log(`${scene.name}: ${error}`));
}
await mastra.shutdown();
