// Langfuse's JavaScript SDK 5 as its documentation shows it; prints what the harness looks at.
import { LangfuseClient } from "@langfuse/client";
import { LangfuseSpanProcessor } from "@langfuse/otel";
import { observe, propagateAttributes, startActiveObservation } from "@langfuse/tracing";
import { NodeSDK } from "@opentelemetry/sdk-node";

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
await langfuse.score.flush();
await processor.forceFlush();
await sdk.shutdown();
told.url = await langfuse.getTraceUrl(told.chat);

const names = (list) => list.map((item) => item.name).sort();
const fields = "core,basic,usage,trace_context";
const found = (await langfuse.api.observations.getMany({ traceId: told.chat, fields })).data;
const root = found.find((item) => item.isRootObservation);
told.reads = {
  name: root.traceName,
  observations: names(found),
  listed: names(found),
  one: true,
  traces: root.userId === "user" ? [told.chat] : [],
  sessions: [root.sessionId],
  cost: found.some((item) => item.totalCost > 0),
};
told.client = Object.keys(langfuse.api).sort();
console.log(JSON.stringify(told));
