// versions.js: which version of a package is installed beside these files. Knows folders.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

// Read, not required: a package need not export it.
function versionOf(name) {
  const file = path.join(__dirname, 'node_modules', name, 'package.json');
  return JSON.parse(fs.readFileSync(file, 'utf8')).version;
}

module.exports = { versionOf };
