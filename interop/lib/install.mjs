// What the tests stand on, installed where it is missing.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';

export const interopFolder = new URL('..', import.meta.url).pathname;
export const projectFolder = join(interopFolder, '..');
export const pythonFolder = join(interopFolder, 'python');
export const goFolder = join(interopFolder, 'go');
export const javaFolder = join(interopFolder, 'java');
export const python = join(pythonFolder, '.venv/bin/python');

export function installEverything() {
  installNodeModules(interopFolder);
  installNodeModules(join(projectFolder, 'examples/express-api'));
  installPython();
}

/** The folder of the TypeScript client, with what it needs. */
export function installTypeScriptClient() {
  const folder = join(projectFolder, 'clients/typescript');
  installNodeModules(folder);
  return folder;
}

/** The path of a Chromium: the system's own, so that no browser is downloaded from elsewhere. */
export function chromium() {
  const candidates = [process.env.CHROMIUM_BIN, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const found = () => candidates.find((path) => path && existsSync(path));
  if (found()) return found();
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error('no Chromium: install the package chromium, or set CHROMIUM_BIN');
  }
  run('apt-get', ['update', '-qq']);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { DEBIAN_FRONTEND: 'noninteractive' });
  return found();
}

/** The library that the MCP server's keychain module is linked with, though it keeps nothing there. */
export function installSecretLibrary() {
  const known = execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
  if (known.includes('libsecret-1.so.0')) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error('no libsecret: install the package libsecret-1-0');
  }
  run('apt-get', ['update', '-qq']);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'libsecret-1-0'], { DEBIAN_FRONTEND: 'noninteractive' });
}

/** The binary of examples/axum-api, built once. */
export function axumExample() {
  axumBinary ??= build('axum-api');
  return axumBinary;
}

let axumBinary;

/** What a test throws that needs a program which this machine does not have: it is skipped. */
export class MissingTool extends Error {}

/** The path of the built Go program: an application and an API. */
export function goProgram() {
  needed('go');
  const program = join(goFolder, '.built/interop');
  run('go', ['build', '-mod=readonly', '-o', program, '.'], {}, goFolder);
  return program;
}

/** The class path of the Java programs in a folder with a `pom.xml`; Java runs them from their source. */
export function javaClassPath(folder) {
  needed('java');
  needed('mvn');
  const libraries = join(folder, '.libraries');
  once(join(libraries, '.installed'), readFileSync(join(folder, 'pom.xml')), () => {
    rmSync(libraries, { recursive: true, force: true });
    run('mvn', ['-B', '-q', 'dependency:copy-dependencies', `-DoutputDirectory=${libraries}`], {}, folder);
  });
  return join(libraries, '*');
}

/** The options that have Java trust the authority of a server and nobody else. */
export function trustStore(authority) {
  const store = `${authority}.p12`;
  if (!existsSync(store)) {
    const of = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', 'changeit'];
    run('keytool', ['-importcert', '-noprompt', '-alias', 'server', '-file', authority, ...of]);
  }
  return [`-Djavax.net.ssl.trustStore=${store}`, '-Djavax.net.ssl.trustStoreType=PKCS12', '-Djavax.net.ssl.trustStorePassword=changeit'];
}

/** Builds and downloads what the suites of other languages need, which counts for no test's time. They say what is missing. */
export function prepareLanguages(isSelected) {
  const steps = {
    go: goProgram,
    java: () => javaClassPath(join(javaFolder, 'auth0')),
    spring: () => javaClassPath(join(javaFolder, 'spring')),
  };
  for (const [suite, step] of Object.entries(steps)) {
    try {
      if (isSelected(suite)) step();
    } catch (error) {
      if (!(error instanceof MissingTool)) throw error;
    }
  }
}

function needed(program) {
  const folders = (process.env.PATH ?? '').split(':');
  if (!folders.some((folder) => existsSync(join(folder, program)))) throw new MissingTool(`no ${program} on this machine`);
}

function build(name) {
  const options = ['build', '--locked', '--quiet', '-p', name, '--message-format', 'json'];
  const stdio = ['ignore', 'pipe', 'inherit'];
  const messages = execFileSync('cargo', options, { cwd: projectFolder, encoding: 'utf8', maxBuffer: 1 << 28, stdio });
  const artifacts = messages.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  return artifacts.find((message) => message.executable && message.target.name === name).executable;
}

function installNodeModules(folder) {
  const lock = join(folder, 'package-lock.json');
  once(join(folder, 'node_modules/.installed'), readFileSync(lock), () => {
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {}, folder);
  });
}

function installPython() {
  const requirements = join(pythonFolder, 'requirements.txt');
  once(join(pythonFolder, '.venv/installed'), readFileSync(requirements), () => {
    run('python3', ['-m', 'venv', '--clear', join(pythonFolder, '.venv')]);
    run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
  });
}

/** Runs a step unless it ran before for the same input. */
function once(stamp, input, step) {
  const digest = createHash('sha256').update(input).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  step();
  const folder = join(stamp, '..');
  if (!existsSync(folder) || !statSync(folder).isDirectory()) mkdirSync(folder, { recursive: true });
  writeFileSync(stamp, digest);
}

function run(program, options, environment = {}, folder = interopFolder) {
  console.error(`+ ${program} ${options.join(' ')}`);
  execFileSync(program, options, { cwd: folder, env: { ...process.env, ...environment }, stdio: ['ignore', 'ignore', 'inherit'] });
}
