// Langfuse's JavaScript SDK 3 as its documentation shows it; prints what the harness looks at.
import { Langfuse } from "langfuse";

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

const read = (await langfuse.fetchTrace(trace.id)).data;
const observations = (await langfuse.fetchObservations({ traceId: trace.id })).data;
const one = (await langfuse.fetchObservation(observations[0].id)).data;
const traces = (await langfuse.fetchTraces({ userId: "user", name: "chat" })).data;
const names = (list) => list.map((item) => item.name).sort();
console.log(
  JSON.stringify({
    chat: trace.id,
    url: trace.getTraceUrl(),
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
