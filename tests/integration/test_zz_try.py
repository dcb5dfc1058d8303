import sys, json, subprocess
from tests.integration.test_runner import *
import pytest
T = {
 "baseline": [], "ci_env": [], "env_decrypt": [], "env_encrypt": [], "env_example": [], "fetch": [], "github_sync": [], "github_workflow": [],
 "host": ["--check"], "host_keys": [], "impact": ["-e","leak_credentials=secret_key"], "import": [], "leak_alert": [], "leak_response": [], "mirror": ["--check"],
 "provision": ["--check"], "provision_values": ["--check"], "rotate": ["--check"], "rotation_due": [], "rotation_elsewhere": [], "rotation_forget": [],
 "rotation_prepare": [], "rotation_report": [], "scan": ["-e", "scan_repositories=web1"], "set": ["-e","set_names=API_TOKEN"], "verify": ["-e", "verify_only=git"],
}
def job2(lab, name, arguments):
    program, _option, inventory, path, *rest = lab.command(*arguments, playbook=lab.root / f"playbooks/{name}.yml")
    folder = lab.directory / "runner"
    (folder / "env").mkdir(parents=True, exist_ok=True)
    (folder / "env" / "cmdline").write_text(" ".join(rest), encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "ansible_runner", "run", folder, "-p", path, "--inventory", inventory, "--ident", name],
        env={**lab.environment(), "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_STDOUT_CALLBACK":"watchparty.secrets.console", "PATH": f"{Path(program).parent}:{os.environ['PATH']}"},
        cwd=lab.root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=200)
    return done.returncode, done.stdout + done.stderr
def test_all(lab):
    (host,) = lab.add_hosts()
    canaries = Canaries()
    lab.seed(layout("1", token=canaries.value))
    with open("/tmp/F/runner.out","w") as out:
        for name, args in T.items():
            import time; t=time.time()
            try: code, text = job2(lab, name, args)
            except subprocess.TimeoutExpired: code,text='TIMEOUT',''
            out.write(f"=== {name} {args}: {code} ({time.time()-t:.0f} s)\n{text[-1800:]}\n"); out.flush()
        allowed = [host.env_file, state.backup(host.env_file)]
        out.write(repr(in_files([lab.directory], canaries, allowed=allowed)))
