# Runs ministack until it ends or until our standard input does, whichever is first.
import os
import signal
import subprocess
import sys
import tempfile
import threading


def stop_when_nobody_listens(child):
    sys.stdin.buffer.read()
    child.terminate()
    try:
        child.wait(15)
    except subprocess.TimeoutExpired:
        child.kill()


signal.signal(signal.SIGINT, signal.SIG_IGN)
with tempfile.TemporaryDirectory(prefix="couplet-") as scratch:
    # Its own session, so that the processes of Lambda functions can be found and ended with it.
    child = subprocess.Popen(
        [sys.executable, "-m", "ministack"],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        cwd=scratch,
        env={**os.environ, "TMPDIR": scratch, "HOME": scratch},
    )
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    threading.Thread(target=stop_when_nobody_listens, args=(child,), daemon=True).start()
    code = child.wait()
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
sys.exit(code)
