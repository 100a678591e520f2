// A Node program for the soak: changes a story under proper-lockfile, with gray-matter, again and again.
//
//   FILE DOOR COUNTER OVERLAPS LOG NUMBER MS
//
// Each change adds the token t<NUMBER>-<n> to `log` and one to `count_<NUMBER>`; LOG gets a line for each that is done.
'use strict';
const fs = require('fs');
const lockfile = require('proper-lockfile');
const matter = require('gray-matter');

const [file, door, counter, overlaps, log, number, ms] = process.argv.slice(2);
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

// The package reports a lock that was stolen or touched from a timer.
function onCompromised(err) {
  console.error(`COMPROMISED ${err.code} ${err.message}`);
  process.exit(3);
}

// A new file and a rename: a reader must not meet half a story.
function change(token) {
  // With options, because without any the package keeps the parsed object and gives it out again.
  const story = matter(fs.readFileSync(file, 'utf8'), {});
  story.data.log.push(token);
  story.data[`count_${number}`] = (story.data[`count_${number}`] || 0) + 1;
  const beside = `${file}.peer-${number}`;
  fs.writeFileSync(beside, matter.stringify(story.content, story.data));
  fs.renameSync(beside, file);
}

function visit(token) {
  let mine = false;
  try {
    fs.mkdirSync(door);
    mine = true;
  } catch {
    fs.appendFileSync(overlaps, 'node\n');
  }
  const count = fs.existsSync(counter) ? Number(fs.readFileSync(counter, 'utf8')) : 0;
  change(token);
  fs.writeFileSync(counter, `${count + 1}\n`);
  if (mine) fs.rmdirSync(door);
}

async function main() {
  const end = Date.now() + Number(ms);
  for (let n = 1; Date.now() < end; ) {
    let release;
    try {
      release = await lockfile.lock(file, { onCompromised, realpath: false });
    } catch (err) {
      // ENOTDIR: what a killed one of ours left looks stale, and waits for the next one of ours.
      if (err.code !== 'ELOCKED' && err.code !== 'ENOTDIR') throw err;
      await pause(2 + Math.random() * 20);
      continue;
    }
    const token = `t${number}-${n}`;
    visit(token);
    await release();
    fs.appendFileSync(log, `${token}\n`);
    n += 1;
    await pause(Math.random() * 20);
  }
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
