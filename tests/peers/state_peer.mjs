// state_peer.mjs MODULE FILE NAME ROUNDS: a shared JSON file changed through the example module, many times.
//
// Reads, prints READY, waits for a line inside the first change: so all who start together hold the same old value. Prints how
// often it had to begin anew.

import { once } from 'node:events';
import { pathToFileURL } from 'node:url';

const [module, path, name, rounds] = process.argv.slice(2);
const { updateState } = await import(pathToFileURL(module));

// Keys that only a JSON pointer can name.
const mine = `a/${name}~.b`;

let isFirst = true;
let again = 0;
for (let round = 0; round < Number(rounds); round += 1) {
  const { reruns } = await updateState(path, async (state) => {
    state.count += 1;
    state.by ??= {};
    state.by[mine] = (state.by[mine] ?? 0) + 1;
    state.log.push(`${name}-${state.by[mine]}`);
    delete state.gone;
    if (isFirst) {
      isFirst = false;
      console.log('READY');
      await once(process.stdin, 'data');
      process.stdin.destroy();
    }
  });
  again += reruns;
}
console.log(again);
