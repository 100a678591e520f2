// node example.mjs PATH-OF-A-STORY: adds a label, counts, and appends a line to the body; safe beside any other writer.

import { updateStory } from './write-story.mjs';

const [path] = process.argv.slice(2);
const answer = await updateStory(path, (story) => {
  const { frontmatter } = story;
  frontmatter.labels = [...new Set([...(frontmatter.labels ?? []), 'from-node'])];
  frontmatter.retry_count = (frontmatter.retry_count ?? 0) + 1;
  story.content += 'A line from Node.\n';
});
console.log(`changed ${answer.changed.join(', ')}`);
