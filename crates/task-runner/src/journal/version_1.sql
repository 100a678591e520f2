-- Times are RFC 3339 in UTC with milliseconds. Commands are JSON lists of words, folders one word, relative to the top of the
-- tree; a word that is not UTF-8 is an object with its units.
CREATE TABLE tasks (
    task_id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'signalled', 'timed-out', 'not-started', 'interrupted',
        'restored', 'abandoned')),
    label TEXT NOT NULL,
    command TEXT NOT NULL CHECK (json_valid(command)),
    folder TEXT NOT NULL CHECK (json_valid(folder)),
    -- The commit of the earliest snapshot that is kept: the state before everything that is not finished.
    snapshot_stash_ref TEXT,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
) STRICT;

-- One row for each run, for ever. Its name is `<task_id>.<number>`.
CREATE TABLE attempts (
    task_id TEXT NOT NULL REFERENCES tasks (task_id),
    number INTEGER NOT NULL CHECK (number > 0),
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'signalled', 'timed-out', 'not-started', 'interrupted')),
    label TEXT NOT NULL,
    command TEXT NOT NULL CHECK (json_valid(command)),
    folder TEXT NOT NULL CHECK (json_valid(folder)),
    owner TEXT,
    -- The process that ran it, and the token of the lock that it held meanwhile.
    pid INTEGER NOT NULL,
    lock_token TEXT,
    began_at TEXT NOT NULL,
    ended_at TEXT,
    exit_code INTEGER,
    signal INTEGER,
    snapshot TEXT,
    snapshot_kept INTEGER NOT NULL CHECK (snapshot_kept IN (0, 1)),
    PRIMARY KEY (task_id, number)
) STRICT, WITHOUT ROWID;
