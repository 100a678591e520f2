// Reads and writes stories as the reference tool does: gray-matter 4 with js-yaml 3.
//
// Standard input: one JSON request a line. Standard output: one JSON answer a line, in order.
//   {"read": "<file text, base64>"}  ->  {"data": …} or {"error": "…"}
//   {"dump": <value>}                ->  {"text": "…"} or {"error": "…"}
// What JSON has no word for stands as {"$date": "<ISO>"} or {"$number": "NaN"}.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(import.meta.url); // finds packages by NODE_PATH
const matter = require('gray-matter');
const yaml = require('js-yaml');

// Options keep gray-matter from answering out of its cache, these also from running `---js`.
const never = () => {
  throw new Error('code is not run');
};
const options = { engines: { javascript: never, coffee: never } };

function plain(value) {
  if (value instanceof Date) return { $date: isNaN(value) ? 'invalid' : value.toISOString() };
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) };
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  }
  return value;
}

function answer(request) {
  try {
    if ('read' in request) {
      const text = Buffer.from(request.read, 'base64').toString('utf8');
      return { data: plain(matter(text, options).data) };
    }
    return { text: yaml.safeDump(request.dump) };
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
}

const lines = readFileSync(0, 'utf8').split('\n').filter((line) => line !== '');
process.stdout.write(lines.map((line) => JSON.stringify(answer(JSON.parse(line))) + '\n').join(''));
