-- Times are RFC 3339 in UTC with milliseconds, lists and processes are JSON.
CREATE TABLE locks (
    token INTEGER PRIMARY KEY CHECK (token > 0),
    agent TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('exclusive', 'shared')),
    files TEXT NOT NULL CHECK (json_valid(files)),
    directories TEXT NOT NULL CHECK (json_valid(directories)),
    globs TEXT NOT NULL CHECK (json_valid(globs)),
    task_description TEXT,
    acquired_at TEXT NOT NULL,
    renewed_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    generation INTEGER NOT NULL CHECK (generation > 0),
    bound_to TEXT CHECK (bound_to IS NULL OR json_valid(bound_to))
) STRICT;

-- Who waits; a lower ticket came earlier.
CREATE TABLE waiting (
    ticket INTEGER PRIMARY KEY CHECK (ticket > 0),
    agent TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('exclusive', 'shared')),
    files TEXT NOT NULL CHECK (json_valid(files)),
    directories TEXT NOT NULL CHECK (json_valid(directories)),
    globs TEXT NOT NULL CHECK (json_valid(globs)),
    since TEXT NOT NULL,
    until TEXT NOT NULL,
    process TEXT NOT NULL CHECK (json_valid(process))
) STRICT;

-- One row: the highest token or ticket that was given out.
CREATE TABLE counter (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    last_token INTEGER NOT NULL CHECK (last_token >= 0)
) STRICT;
INSERT INTO counter (id, last_token) VALUES (1, 0);
