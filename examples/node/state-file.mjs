// Reads and changes shared JSON files from Node by way of `story state`. Nothing but Node itself is needed.
//
// A program that reads a JSON file, works for minutes and then writes its whole old copy undoes what others wrote meanwhile.
// `updateState` writes only what it changed, and only if the file is still what was read; else it begins anew.

import { ask } from './write-story.mjs';

/**
 * Reads a JSON file: `{ value, rev }`, where `rev` names this version of it. Takes no lock. Numbers that JavaScript cannot
 * hold are rounded in `value`; in the file they stay as they are.
 */
export async function readState(path) {
  const { value, rev } = await ask(['state', 'get', path, '--json', '-q']);
  return { value, rev };
}

/**
 * Reads a JSON file, lets `change` change its value, and writes what is different, if the file is still what was read; if it
 * is not, all of that again. Returns what `story` answers, with `reruns` added.
 */
export async function updateState(path, change, tries = 100) {
  for (let reruns = 0; ; reruns += 1) {
    const { value, rev } = await readState(path);
    const after = structuredClone(value);
    await change(after);
    const patch = [...operations(value, after)];
    try {
      const args = ['state', 'patch', path, '--json-patch', '@-', '--if-rev', rev, '--json', '-q'];
      return { ...(await ask(args, JSON.stringify(patch))), reruns };
    } catch (err) {
      if (err.code !== 'ECONFLICT' || reruns + 1 >= tries) throw err;
    }
  }
}

/** What makes `after` of `before`, as a JSON patch (RFC 6902). Lists are replaced as a whole. */
function* operations(before, after, path = '') {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  if (!isObject(before) || !isObject(after)) {
    yield { op: 'replace', path, value: after };
    return;
  }
  for (const key of Object.keys(before)) {
    if (after[key] === undefined) yield { op: 'remove', path: below(path, key) };
  }
  for (const [key, value] of Object.entries(after)) {
    if (value === undefined) continue;
    if (Object.hasOwn(before, key)) yield* operations(before[key], value, below(path, key));
    else yield { op: 'add', path: below(path, key), value };
  }
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A key as a JSON pointer has it (RFC 6901). */
function below(path, key) {
  return `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
