// The stock OpenAI client, as its manual shows it, against the server named on the command line.
import OpenAI from 'openai';

const [baseURL, apiKey, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: 'user', content: 'hello' }];
const told = {};

told.models = (await client.models.list()).data.map((one) => one.id);

const whole = await client.chat.completions.create({ model, messages, max_tokens: 7 });
told.whole = whole.choices[0].message.content;
told.usage = whole.usage;

told.streamed = [];
const options = { model, messages, stream: true, stream_options: { include_usage: true } };
for await (const chunk of await client.chat.completions.create(options)) {
  if (chunk.choices[0]?.delta?.content) told.streamed.push(chunk.choices[0].delta.content);
  if (chunk.choices[0]?.finish_reason) told.reason = chunk.choices[0].finish_reason;
  if (chunk.usage) told.counted = chunk.usage.completion_tokens;
}

const helped = client.chat.completions.stream({ model, messages });
told.helped = await helped.finalContent();

told.broken = [];
try {
  const asked = [{ role: 'user', content: 'break' }];
  for await (const chunk of await client.chat.completions.create({ model, messages: asked, stream: true })) {
    if (chunk.choices[0]?.delta?.content) told.broken.push(chunk.choices[0].delta.content);
  }
} catch (error) {
  told.error = [error.constructor.name, error.code];
}

try {
  await client.chat.completions.create({ model: 'another', messages });
} catch (error) {
  told.unknown = [error.constructor.name, error.status, error.code];
}

const leaving = await client.chat.completions.create({ ...options, messages: [{ role: 'user', content: 'long' }] });
for await (const chunk of leaving) if (chunk.choices[0]?.delta?.content) break; // aborts the request
console.log(JSON.stringify(told));
