// Drives the unmodified npm package proper-lockfile for tests/node_peers.rs.
//
//   hold FILE STALE               locks, prints READY, unlocks when stdin closes, prints RELEASED
//   check FILE STALE              prints true or false
//   try FILE STALE                prints acquired (and unlocks) or the error's code
//   stress FILE MARKER COUNTER OVERLAPS MS   visits the critical section again and again, prints how often
'use strict';
const fs = require('fs');
const lockfile = require('proper-lockfile');

const [verb, file, ...rest] = process.argv.slice(2);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The package reports a lock that was stolen or touched from a timer; without this handler it ends the process.
function onCompromised(err) {
  console.log(`COMPROMISED ${err.code}`);
  process.exit(3);
}

async function hold(stale) {
  const release = await lockfile.lock(file, { stale, update: stale / 2, onCompromised });
  console.log('READY');
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.on('end', resolve));
  await release();
  console.log('RELEASED');
}

async function attempt(stale) {
  try {
    const release = await lockfile.lock(file, { stale, onCompromised });
    await release();
    console.log('acquired');
  } catch (err) {
    console.log(err.code);
  }
}

// Adds one to a number in the text of the story, as a program that truncates and writes.
async function count(key) {
  const text = fs.readFileSync(file, 'utf8');
  await pause(1);
  const pattern = new RegExp(`^${key}: (\\d+)$`, 'm');
  const changed = text.replace(pattern, (_, number) => `${key}: ${Number(number) + 1}`);
  if (changed === text) throw new Error(`the story has no ${key}`);
  fs.writeFileSync(file, changed);
}

async function visit(marker, counter, overlaps) {
  let mine = false;
  try {
    fs.closeSync(fs.openSync(marker, 'wx'));
    mine = true;
  } catch {
    fs.appendFileSync(overlaps, 'node\n');
  }
  const number = Number(fs.readFileSync(counter, 'utf8'));
  await count('shared');
  fs.writeFileSync(counter, `${number + 1}\n`);
  if (mine) fs.unlinkSync(marker);
}

async function stress(marker, counter, overlaps, ms) {
  console.log('READY');
  const end = Date.now() + Number(ms);
  const retries = { retries: 100000, minTimeout: 2, maxTimeout: 20, randomize: true };
  let visits = 0;
  while (Date.now() < end) {
    const release = await lockfile.lock(file, { retries, onCompromised });
    await visit(marker, counter, overlaps);
    visits += 1;
    await release();
  }
  console.log(visits);
}

const verbs = {
  hold: () => hold(Number(rest[0])),
  try: () => attempt(Number(rest[0])),
  check: async () => console.log(await lockfile.check(file, { stale: Number(rest[0]) })),
  stress: () => stress(...rest),
};
verbs[verb]().catch((err) => {
  console.error(err);
  process.exit(1);
});
