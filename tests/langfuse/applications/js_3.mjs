// Langfuse's JavaScript SDK 3 as its documentation shows it; prints what the harness looks at.
import { ChatOpenAI } from "@langchain/openai";
import { Langfuse, LangfuseMedia, observeOpenAI } from "langfuse";
import { CallbackHandler } from "langfuse-langchain";
import OpenAI from "openai";

const langfuse = new Langfuse();
const trace = langfuse.trace({
  name: "chat",
  userId: "user",
  sessionId: "session",
  tags: ["b", "a"],
  metadata: { key: { one: 1 } },
  input: "question",
  version: "v1",
  release: "r1",
});
const step = trace.span({ name: "step", input: { q: 1 } });
const call = step.generation({
  name: "llm",
  model: "gpt-4o",
  input: [{ role: "user", content: "hi" }],
  modelParameters: { temperature: 0.5 },
});
call.update({ metadata: { updated: true } });
call.end({ output: "hello", usageDetails: { input: 10, output: 5 } });
step.event({ name: "note", input: "n" });
step.update({ level: "WARNING", statusMessage: "slow" });
step.end({ output: "done" });
trace.update({ output: "answer", metadata: { key: { two: 2 } } });
trace.score({ name: "number", value: 0.5, comment: "why" });
trace.score({ name: "label", value: "good", dataType: "CATEGORICAL" });
langfuse.score({ traceId: trace.id, name: "flag", value: 1, dataType: "BOOLEAN" });
call.score({ name: "span", value: 1 });
await langfuse.flushAsync();

const prompts = async (create, get) => {
  await create({ name: "greet", prompt: "Hi {{who}}", labels: ["production"], config: { t: 1 } });
  await create({ name: "greet", prompt: "Hello {{who}}", labels: ["staging"] });
  const turn = { role: "user", content: "{{who}}?" };
  await create({ name: "talk", type: "chat", prompt: [turn], labels: ["production"] });
  const greet = await get("greet");
  const staging = await get("greet", { label: "staging" });
  const lost = await get("lost", { fallback: "Bye {{who}}", maxRetries: 0 });
  const talk = await get("talk", { type: "chat" });
  return {
    texts: [greet, staging, lost].map((one) => one.compile({ who: "Ann" })),
    versions: [greet.version, staging.version],
    config: greet.config,
    chat: talk.compile({ who: "Ann" })[0].content,
    fallback: lost.isFallback,
    cached: (await get("greet")) === greet,
  };
};
const prompted = await prompts(
  (body) => langfuse.createPrompt(body),
  (name, options) => langfuse.getPrompt(name, undefined, options),
);

const file = new LangfuseMedia({ contentBytes: Buffer.from("a file"), contentType: "text/plain" });
const media = langfuse.trace({ name: "media", metadata: { file } });

await langfuse.createDataset({ name: "faq", description: "d", metadata: { a: 1 } });
for (const number of [1, 2]) {
  const body = { datasetName: "faq", input: { q: number }, expectedOutput: number };
  await langfuse.createDatasetItem({ ...body, metadata: { n: number } });
}
const dataset = await langfuse.getDataset("faq");
for (const item of dataset.items) {
  const answer = langfuse.trace({ name: "answer", input: item.input, output: item.input.q });
  await item.link(answer, "run", { description: "why", metadata: { m: 1 } });
  answer.score({ name: "right", value: 1 });
}
const run = await langfuse.getDatasetRun({ datasetName: "faq", runName: "run" });

const address = { baseURL: `${process.env.MODELS}/v1`, apiKey: "none" };
const messages = [{ role: "user", content: "hi" }];
const client = observeOpenAI(new OpenAI(address), { generationName: "openai" });
await client.chat.completions.create({ model: "gpt-4o", messages });
await client.flushAsync();
const handler = new CallbackHandler();
const model = new ChatOpenAI({ model: "gpt-4o", apiKey: "none", configuration: address });
await model.invoke("hi", { callbacks: [handler], runName: "langchain" });
await handler.flushAsync();
await langfuse.flushAsync();

const read = (await langfuse.fetchTrace(trace.id)).data;
const observations = (await langfuse.fetchObservations({ traceId: trace.id })).data;
const one = (await langfuse.fetchObservation(observations[0].id)).data;
const traces = (await langfuse.fetchTraces({ userId: "user", name: "chat" })).data;
const names = (list) => list.map((item) => item.name).sort();
console.log(
  JSON.stringify({
    chat: trace.id,
    url: trace.getTraceUrl(),
    prompts: prompted,
    media: media.id,
    langchain: handler.traceId,
    datasets: {
      inputs: dataset.items.map((item) => item.input.q).sort(),
      linked: run.datasetRunItems.length,
      run: "run",
    },
    reads: {
      name: read.name,
      observations: names(read.observations),
      listed: names(observations),
      one: one.id === observations[0].id,
      traces: traces.map((item) => item.id),
      sessions: (await langfuse.fetchSessions()).data.map((item) => item.id),
      scores: names(read.scores),
      cost: read.totalCost > 0,
    },
  }),
);
