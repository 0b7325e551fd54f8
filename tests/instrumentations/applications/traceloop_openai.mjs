// Traceloop's SDK for Node around the OpenAI client: a workflow, a stream and a failure.
import { setTimeout } from "node:timers/promises";
import * as traceloop from "@traceloop/node-server-sdk";
import OpenAI from "openai";

traceloop.initialize({
  appName: "application",
  baseUrl: process.env.OTEL_EXPORTER_OTLP_ENDPOINT,
  apiKey: "none",
  disableBatch: true,
  traceloopSyncEnabled: false,
  silenceInitializationMessage: true,
  instrumentModules: { openAI: OpenAI },
});
const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: "none", maxRetries: 0 });
const question = { role: "user", content: "What is the weather in Paris?" };
const getWeather = {
  name: "get_weather",
  description: "Get the current weather of a city.",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

function ask(messages, more = {}) {
  return client.chat.completions.create({ model: "gpt-4o", messages, ...more });
}

async function agent() {
  const settings = { temperature: 0.2, tools: [{ type: "function", function: getWeather }] };
  const messages = [{ role: "system", content: "Answer in one sentence." }, question];
  const called = (await ask(messages, settings)).choices[0].message;
  const call = called.tool_calls[0];
  const { city } = JSON.parse(call.function.arguments);
  const content = await traceloop.withTool(
    { name: "get_weather" },
    async (given) => {
      // Node's clock counts milliseconds: the next call must not start in the tool's.
      await setTimeout(5);
      return `18 degrees and sunny in ${given.city}`;
    },
    { city },
  );
  await ask([...messages, called, { role: "tool", tool_call_id: call.id, content }], settings);
}

async function stream() {
  const messages = [{ role: "user", content: "Why is the sky blue?" }];
  const chunks = await ask(messages, { stream: true, stream_options: { include_usage: true } });
  for await (const _ of chunks);
}

async function failure() {
  // The span of a workflow that fails is never ended.
  await ask([question], { model: "fail-429" }).catch((error) => console.log(`failure: ${error}`));
}

const association = { session_id: "chat-1", user_id: "user-1" };
for (const scene of [agent, stream, failure]) {
  await traceloop.withAssociationProperties(association, () =>
    traceloop.withWorkflow({ name: scene.name }, scene),
  );
}
await traceloop.forceFlush();
