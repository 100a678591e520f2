// stand_in.mjs MODULE STORY NAME ROUNDS: whole stories read and written through the example module, many times.
//
// Reads, prints READY, waits for a line, and only then writes for the first time: so all who start together hold the same old
// copy. Prints how often it had to begin anew.

import { once } from 'node:events';
import { pathToFileURL } from 'node:url';

const [module, path, name, rounds] = process.argv.slice(2);
const { readStory, updateStory, writeStory } = await import(pathToFileURL(module));

// A key that must stand in quotes where it is a path.
const mine = `by.${name}`;

function change(story) {
  const { frontmatter } = story;
  frontmatter[mine] = (frontmatter[mine] ?? 0) + 1;
  frontmatter.retry_count = (frontmatter.retry_count ?? 0) + 1;
  frontmatter.labels = [...frontmatter.labels, `${name}-${frontmatter[mine]}`];
  story.content += `line ${frontmatter[mine]} of ${name}\n`;
}

let again = 0;
const old = await readStory(path);
change(old);
console.log('READY');
await once(process.stdin, 'data');
process.stdin.destroy();
try {
  await writeStory(old);
} catch (err) {
  if (err.code !== 'ECONFLICT') throw err;
  again += 1 + (await updateStory(path, change)).reruns;
}
for (let round = 1; round < Number(rounds); round += 1) {
  again += (await updateStory(path, change)).reruns;
}
console.log(again);
