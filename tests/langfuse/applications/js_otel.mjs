// Langfuse's JavaScript SDKs 4 and 5 as their documentation shows them; prints what the harness looks at.
import { ChatOpenAI } from "@langchain/openai";
import { LangfuseClient } from "@langfuse/client";
import { LangfuseMedia, ScoreDataType } from "@langfuse/core";
import { CallbackHandler } from "@langfuse/langchain";
import { observeOpenAI } from "@langfuse/openai";
import { LangfuseSpanProcessor } from "@langfuse/otel";
import { observe, propagateAttributes, startActiveObservation } from "@langfuse/tracing";
import { NodeSDK } from "@opentelemetry/sdk-node";
import OpenAI from "openai";

const processor = new LangfuseSpanProcessor();
const sdk = new NodeSDK({ spanProcessors: [processor] });
sdk.start();
const langfuse = new LangfuseClient();
const told = {};

const inner = observe(async (word) => word.toUpperCase(), { name: "inner" });
const outer = observe(async (word) => inner(word), { name: "outer" });
await startActiveObservation("outer", async (span) => {
  told.decorators = span.traceId;
  await inner("a");
});

await startActiveObservation("chat", async (root) => {
  told.chat = root.traceId;
  root.update({ input: "question" });
  const said = {
    userId: "user",
    sessionId: "session",
    tags: ["b", "a"],
    metadata: { key: "one" },
    version: "v1",
  };
  await propagateAttributes(said, async () => {
    await startActiveObservation(
      "step",
      async (step) => {
        step.update({ input: { q: 1 } });
        const call = step.startObservation(
          "llm",
          {
            model: "gpt-4o",
            input: [{ role: "user", content: "hi" }],
            modelParameters: { temperature: 0.5 },
          },
          { asType: "generation" },
        );
        call.update({ metadata: { updated: true } });
        call.update({ output: "hello", usageDetails: { input: 10, output: 5 } }).end();
        langfuse.score.observation({ otelSpan: call.otelSpan }, { name: "span", value: 1 });
        step.startObservation("note", { input: "n" }, { asType: "event" });
        step.update({ level: "WARNING", statusMessage: "slow", output: "done" });
      },
      { asType: "chain" },
    );
  });
  root.update({ output: "answer" });
});
langfuse.score.create({ traceId: told.chat, name: "number", value: 0.5, comment: "why" });
const label = { name: "label", value: "good", dataType: "CATEGORICAL" };
langfuse.score.create({ traceId: told.chat, ...label });
langfuse.score.create({ traceId: told.chat, name: "flag", value: 1, dataType: "BOOLEAN" });
told.texts = Object.values(ScoreDataType).filter((name) => /TEXT|CORRECTION/.test(name));
for (const dataType of told.texts) {
  langfuse.score.create({ traceId: told.chat, name: dataType, value: "better", dataType });
}
langfuse.score.create({ sessionId: "session", name: "of session", value: 0.25 });

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
told.prompts = await prompts(
  (body) => langfuse.prompt.create(body),
  (name, options) => langfuse.prompt.get(name, options),
);

const bytes = new TextEncoder().encode("a file");
const file = new LangfuseMedia({ source: "bytes", contentBytes: bytes, contentType: "text/plain" });
await startActiveObservation("media", async (span) => {
  told.media = span.traceId;
  span.update({ input: file });
});

await langfuse.api.datasets.create({ name: "faq", description: "d", metadata: { a: 1 } });
for (const number of [1, 2]) {
  const body = { datasetName: "faq", input: { q: number }, expectedOutput: number };
  await langfuse.api.datasetItems.create({ ...body, metadata: { n: number } });
}
const dataset = await langfuse.dataset.get("faq");
const result = await dataset.runExperiment({
  name: "nightly",
  runName: "run",
  description: "why",
  metadata: { m: 1 },
  task: async (item) => item.input.q,
  evaluators: [async () => ({ name: "right", value: 1 })],
  runEvaluators: [async () => ({ name: "mean", value: 0.5 })],
});
told.datasets = {
  inputs: dataset.items.map((item) => item.input.q).sort(),
  linked: result.itemResults.length,
  run: "run",
};

const values = { number: 42, flag: true, float: 0.5 };
await startActiveObservation("types", async (span) => {
  span.update({ metadata: values, input: true, output: 2 });
  span.update({ metadata: { later: 7 } });
  const metadata = { ...values, later: 7 };
  told.types = { trace: span.traceId, metadata, input: true, output: 2 };
});

const tone = { name: "tone", prompt: "kindly", labels: ["production", "eu"] };
await langfuse.prompt.create(tone);
const reference = "Answer @@@langfusePrompt:name=tone|label=production@@@";
await langfuse.prompt.create({ name: "uses", prompt: reference, labels: ["production"] });
await langfuse.prompt.update({ name: "tone", version: 1, newLabels: ["staging"] });
// Undefined where the SDK can't delete prompts.
let deleted;
if (langfuse.api.prompts.delete) {
  deleted = true;
  try {
    await langfuse.api.prompts.delete("tone");
  } catch (error) {
    deleted = error.statusCode;
  }
}
told.references = {
  text: (await langfuse.prompt.get("uses")).prompt,
  labels: (await langfuse.api.prompts.get("tone")).labels,
  deleted,
};

if (langfuse.dataset.createItem) {
  const picture = new LangfuseMedia({
    source: "bytes",
    contentBytes: new TextEncoder().encode("picture"),
    contentType: "image/png",
  });
  await langfuse.api.datasets.create({ name: "pictures", inputSchema: { type: "object" } });
  const withPicture = { datasetName: "pictures", id: "p1", input: { image: picture } };
  await langfuse.dataset.createItem(withPicture);
  const archived = { id: "p2", input: { image: "none" }, status: "ARCHIVED" };
  await langfuse.dataset.createItem({ datasetName: "pictures", ...archived });
  const [item] = (await langfuse.dataset.get("pictures")).items;
  const content = await fetch(item.input.image.url);
  told["items with media"] = await content.text();
}

const alone = await langfuse.experiment.run({
  name: "alone",
  data: [
    { input: 1, expectedOutput: 1 },
    { input: 2, expectedOutput: 2 },
  ],
  task: async (row) => row.input,
  evaluators: [async () => ({ name: "right", value: 1 })],
});
told["experiment alone"] = alone.itemResults.map((row) => row.output).sort();

const address = { baseURL: `${process.env.MODELS}/v1`, apiKey: "none" };
const messages = [{ role: "user", content: "hi" }];
const client = observeOpenAI(new OpenAI(address), { generationName: "openai" });
await client.chat.completions.create({ model: "gpt-4o", messages });
await startActiveObservation("langchain", async (span) => {
  told.langchain = span.traceId;
  const model = new ChatOpenAI({ model: "gpt-4o", apiKey: "none", configuration: address });
  await model.invoke("hi", { callbacks: [new CallbackHandler()] });
});
await langfuse.score.flush();
await processor.forceFlush();
await sdk.shutdown();
told.url = await langfuse.getTraceUrl(told.chat);

const names = (list) => list.map((item) => item.name).sort();
const reads = async () => {
  const fields = "core,basic,usage,trace_context";
  const found = (await langfuse.api.observations.getMany({ traceId: told.chat, fields })).data;
  const root = found.find((item) => item.isRootObservation);
  return {
    name: root.traceName,
    observations: names(found),
    listed: names(found),
    one: true,
    traces: root.userId === "user" ? [told.chat] : [],
    sessions: [root.sessionId],
    cost: found.some((item) => item.totalCost > 0),
  };
};
const reads4 = async () => {
  const { api } = langfuse;
  const trace = await api.trace.get(told.chat);
  const listed = (await api.observations.getMany({ traceId: told.chat })).data;
  const one = await api.observations.get(listed[0].id);
  return {
    name: trace.name,
    observations: names(trace.observations),
    listed: names(listed),
    one: one.id === listed[0].id,
    traces: (await api.trace.list({ userId: "user", name: "chat" })).data.map((row) => row.id),
    sessions: (await api.sessions.list({})).data.map((row) => row.id),
    scores: names((await api.scoreV2.get({ traceId: told.chat })).data),
    cost: trace.totalCost > 0,
  };
};
told.reads = langfuse.api.legacy ? await reads() : await reads4();
told.client = Object.keys(langfuse.api).sort();
console.log(JSON.stringify(told));
