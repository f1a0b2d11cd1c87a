// Runs before npm's own scripts (package.json, `pre...`), on whatever Node there is: installs the locked dependencies
// when they are missing or the lock file has changed, and nothing else. Plain old JavaScript, so that a Node that is too
// old can still say so.
var fs = require('fs');
var path = require('path');
var crypto = require('crypto');
var child = require('child_process');

var OLDEST = 20;
if (Number(process.versions.node.split('.')[0]) < OLDEST) {
  console.error(
    'Reprise needs Node ' +
      OLDEST +
      ' or newer to set itself up; this is ' +
      process.version +
      '. Install a newer one and run the same command again.',
  );
  process.exit(2);
}

var root = path.join(__dirname, '..');
var modules = path.join(root, 'node_modules');
// A second copy of what the node package has put into its bin folder, binaries for the Bare runtime on every platform,
// sources that stand beside what is built from them, and the pages of a trace viewer: 136 MB that nothing here loads.
var NEVER_LOADED = [
  'node/node_modules',
  'bare-buffer/prebuilds',
  'bare-fs/prebuilds',
  'bare-path/prebuilds',
  'bare-url/prebuilds',
  'playwright-core/lib/vite',
  'vega-lite/src',
  'zod/src',
];
var stamp = path.join(modules, '.reprise-setup');
var lock = crypto
  .createHash('sha256')
  .update(fs.readFileSync(path.join(root, 'package-lock.json')))
  .digest('hex');

if (!fs.existsSync(stamp) || fs.readFileSync(stamp, 'utf8') !== lock) {
  console.error('setting up: npm ci (about a minute, once)');
  install();
}

function install() {
  var isWindows = process.platform === 'win32';
  var exitCode = null;
  function signal(name) {
    try {
      process.kill(isWindows ? npm.pid : -npm.pid, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error; // nothing of it runs any more
    }
  }
  function end(name, code) {
    process.on(name, function () {
      exitCode = code;
      signal(name);
      setTimeout(signal, 3000, 'SIGKILL');
    });
  }
  // Before npm runs: a signal that came between would end this process alone.
  end('SIGINT', 130);
  end('SIGTERM', 143);
  var npm = child.spawn('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    // stdout of the command that follows belongs to that command.
    stdio: ['ignore', 2, 2],
    shell: isWindows,
    // A process group of its own: npm does not pass signals on to what it runs while it installs.
    detached: !isWindows,
  });
  npm.on('error', function (error) {
    console.error('npm ci failed: ' + error.message);
    process.exit(1);
  });
  npm.on('exit', function (code, by) {
    if (exitCode !== null) {
      signal('SIGKILL');
      process.exit(exitCode);
    }
    if (code !== 0) {
      console.error('npm ci failed' + (by ? ' by ' + by : '') + '; the lines above say why');
      process.exit(code || 1);
    }
    finish();
    process.exit(0);
  });
}

function finish() {
  NEVER_LOADED.forEach(function (folder) {
    fs.rmSync(path.join(modules, folder), { recursive: true, force: true });
  });
  fs.writeFileSync(stamp, lock);
}
