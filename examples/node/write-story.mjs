// Reads, writes and updates stories from Node by way of `story`. Nothing but Node itself is needed.
//
// A program that reads a story, works for minutes and then writes its whole old copy undoes what others wrote meanwhile.
// `writeStory` takes the same arguments as such a function would, but hands `story apply` the text that was read as well
// (`base`), so that only what this program changed is merged into the story as it is by then.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** The command; STORY_COMMAND names another one. */
const COMMAND = process.env.STORY_COMMAND ?? 'story';

/** What `story` answered when it did not do what it was asked for. */
export class StoryError extends Error {
  constructor({ code, message, conflicts = [], retryable = false }) {
    super(message);
    /** `ECONFLICT`, `ELOCKED`, `ENOTFOUND` and so on. */
    this.code = code;
    /** With ECONFLICT: what others changed in another way. */
    this.conflicts = conflicts;
    this.retryable = retryable;
  }
}

/** Runs `story` and returns the JSON it prints. */
export function ask(args, input = '') {
  return new Promise((resolve, reject) => {
    const child = spawn(COMMAND, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', reject);
    // It may end without reading all of it.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('close', () => {
      try {
        const answer = JSON.parse(output);
        return answer.ok ? resolve(answer) : reject(new StoryError(answer.error));
      } catch (err) {
        return reject(err);
      }
    });
  });
}

/**
 * Reads a story: `{ path, frontmatter, content, read }`. Change `frontmatter` and `content` as you like; `read` is what was
 * read, and what `writeStory` compares with. Takes no lock.
 */
export async function readStory(path) {
  for (;;) {
    const [text, shown] = await Promise.all([
      readFile(path, 'utf8'),
      ask(['show', path, '--json', '-q']),
    ]);
    // Somebody may have written between the two.
    if (createHash('sha256').update(text).digest('hex') === shown.rev) {
      const { frontmatter, content } = shown;
      const read = { text, frontmatter: structuredClone(frontmatter), content };
      return { path, frontmatter, content, read };
    }
  }
}

/**
 * Writes what was changed in a story since `readStory`. Keys that are missing now are removed. What others changed meanwhile
 * stays; where it is the same thing, nothing is written and this rejects with a StoryError of code ECONFLICT. Returns what
 * `story apply` answers: `changed` are the keys, `content` is the body.
 */
export async function writeStory({ path, frontmatter, content, read }) {
  const request = { story: path, base: read.text, set: {}, unset: [] };
  for (const [key, value] of Object.entries(frontmatter)) {
    // What is equal is not sent: JSON knows fewer types than YAML, and an unquoted date would come back as a text.
    if (JSON.stringify(value) !== JSON.stringify(read.frontmatter[key])) {
      request.set[asPath(key)] = value;
    }
  }
  for (const key of Object.keys(read.frontmatter)) {
    if (!(key in frontmatter)) request.unset.push(asPath(key));
  }
  if (content !== read.content) request.content = content;
  const changes = Object.keys(request.set).length + request.unset.length;
  if (changes === 0 && !('content' in request)) return { ok: true, changed: [] };
  return ask(['apply', '-q'], JSON.stringify(request));
}

/**
 * Reads a story, lets `change` change it and writes it; where others changed the same meanwhile, all of that again on what
 * they wrote. Returns the answer, with `reruns` added.
 */
export async function updateStory(path, change, tries = 100) {
  for (let reruns = 0; ; reruns += 1) {
    const story = await readStory(path);
    await change(story);
    try {
      return { ...(await writeStory(story)), reruns };
    } catch (err) {
      if (err.code !== 'ECONFLICT' || reruns + 1 >= tries) throw err;
    }
  }
}

/** A key as `story` writes paths: one that holds a dot, a bracket or a quote stands in quotes. */
function asPath(key) {
  return /^[^.[\]"]+$/.test(key) ? key : `"${key.replace(/["\\]/g, '\\$&')}"`;
}
