// The Vercel AI SDK with its own telemetry, exported by OpenTelemetry's Node SDK.
import { createOpenAI } from "@ai-sdk/openai";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const provider = new NodeTracerProvider({
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
const openai = createOpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: "none" });
const telemetry = {
  isEnabled: true,
  functionId: "weather",
  metadata: { sessionId: "chat-1", userId: "user-1", tags: ["beta"] },
};
const get_weather = tool({
  description: "Get the current weather of a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `18 degrees and sunny in ${city}`,
});

async function agent() {
  await generateText({
    model: openai.chat("gpt-4o"),
    system: "Answer in one sentence.",
    prompt: "What is the weather in Paris?",
    temperature: 0.2,
    tools: { get_weather },
    stopWhen: stepCountIs(5),
    experimental_telemetry: telemetry,
  });
}

async function stream() {
  const result = streamText({
    model: openai("gpt-4o"),
    prompt: "Why is the sky blue?",
    experimental_telemetry: telemetry,
  });
  for await (const _ of result.textStream);
}

async function failure() {
  await generateText({
    model: openai.chat("fail-429"),
    prompt: "What is the weather in Paris?",
    maxRetries: 0,
    experimental_telemetry: telemetry,
  });
}

for (const scene of [agent, stream, failure]) {
  await scene().catch((error) => console.log(`${scene.name}: ${error}`));
}
await provider.shutdown();
