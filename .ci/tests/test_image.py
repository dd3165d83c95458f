"""One image of one commit: built, found again, taken over from the pull request, and given to every environment."""

import shutil
import subprocess

from outside import SCRIPTS, Outside

MAIN = "a" * 40
HEAD = "b" * 40
TRIAL = "c" * 40
BUILT = "sha256:" + "1" * 64
REVIEWED = "sha256:" + "2" * 64
REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"


class Image(Outside):
    def setUp(self):
        super().setUp()
        self.repository = self.folder / "repository"
        shutil.copytree(SCRIPTS, self.repository / ".github" / "scripts")
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("one")
        self.environment |= {"REGISTRY": REGISTRY, "COUPLET_ENVIRONMENTS": '["staging", "production"]'}
        self.options = {"cwd": self.repository, "scripts": self.repository / ".github" / "scripts"}

    def git(self, *arguments):
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        done = subprocess.run(["git", *identity, *arguments], cwd=self.repository, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, content, *options):
        (self.repository / "file").write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", content, "--date=2026-10-01T14:00:00+02:00", *options)
        return self.git("rev-parse", "HEAD")

    def images(self, **answers):
        """What ECR says that a tag is, one answer after the other; None where there is no such image."""
        for tag, digests in answers.items():
            for digest in digests:
                self.answer(f"batch-get-image .*imageTag={tag.replace('_', '-')}-", f"{digest}\n")

    def build(self, *arguments, **environment):
        self.answer("docker buildx build")
        said = self.succeeds("image", *arguments, **self.options, **environment)
        built = self.said("docker buildx build")
        return said.strip(), (built[0] if built else None)


class Build(Image):
    def test_an_image_says_where_it_comes_from(self):
        self.images(main=[None, BUILT])
        said, built = self.build("couplet-staging-board", f"main-{MAIN}")
        self.assertEqual(said, BUILT)
        commit = self.git("rev-parse", "HEAD")
        for part in [
            "--platform linux/arm64",
            "--provenance mode=max",
            "--sbom true",
            f"--build-arg REVISION={commit}",
            "--build-arg SOURCE=https://github.com/ada/engine",
            f"--annotation index,manifest:org.opencontainers.image.revision={commit}",
            f"--tag {REGISTRY}/couplet-staging-board:main-{MAIN} --push",
        ]:
            self.assertIn(part, built)
        self.assertRegex(built, r"CREATED=20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
        self.assertNotIn("cache", built)

    def test_a_tag_that_is_there_is_not_built_again(self):
        self.images(main=[BUILT])
        self.assertEqual(self.build("couplet-staging-board", f"main-{MAIN}"), (BUILT, None))

    def test_without_a_registry_it_is_only_built(self):
        said, built = self.build()
        self.assertEqual(said, "")
        self.assertIn("--output type=cacheonly", built)
        self.assertNotIn("--push", built)

    def test_only_main_writes_the_cache(self):
        _, built = self.build(CACHE=f"{REGISTRY}/couplet-ci-cache:board")
        self.assertIn("--cache-from", built)
        self.assertNotIn("--cache-to", built)
        _, built = self.build(CACHE=f"{REGISTRY}/couplet-ci-cache:board", KEEP_CACHE="true")
        self.assertIn("--cache-to", built)

    def test_a_trial_merge_is_called_after_the_branch_only_where_it_is_the_same(self):
        branch = self.git("rev-parse", "HEAD")
        self.commit("one", "--allow-empty")
        self.assertIn(f"REVISION={branch}", self.build(HEAD_COMMIT=branch)[1])
        trial = self.commit("one, and what main has")
        self.assertIn(f"REVISION={trial}", self.build(HEAD_COMMIT=branch)[1])


class Publish(Image):
    def setUp(self):
        super().setUp()
        self.newest = MAIN
        self.pulls = [{"number": 12, "merged_at": "2026-10-01T12:00:00Z", "merge_commit_sha": MAIN, "head": {"sha": HEAD}}]
        self.trees = {MAIN: "same", TRIAL: "same"}
        self.signed = True

    def publish(self):
        self.answer("branches/main", {"commit": {"sha": self.newest}})
        self.answer(f"commits/{MAIN}/pulls", self.pulls)
        for commit, tree in self.trees.items():
            self.answer(f"git/commits/{commit}", {"tree": {"sha": tree}})
        certificate = {"sourceRepositoryDigest": TRIAL}
        verified = [{"verificationResult": {"signature": {"certificate": certificate}}}]
        self.answer("attestation verify", verified if self.signed else "", 0 if self.signed else 1)
        self.answer("imagetools create")
        self.answer("buildx build")
        return self.run_script("publish", MAIN, **self.options)

    def built(self):
        return bool(self.said("docker buildx build"))

    def copies(self):
        return [" ".join(call.split()[4:]) for call in self.said("docker buildx imagetools create")]

    def test_what_was_reviewed_and_signed_is_what_runs(self):
        self.images(main=[None, None, REVIEWED], pr=[REVIEWED], candidate=[None, REVIEWED])
        done = self.publish()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(self.built())
        self.assertEqual(
            self.copies(),
            [
                f"--tag {REGISTRY}/couplet-staging-board:main-{MAIN} {REGISTRY}/couplet-ci-board@{REVIEWED}",
                f"--tag {REGISTRY}/couplet-production-board:candidate-{MAIN} {REGISTRY}/couplet-staging-board@{REVIEWED}",
            ],
        )
        verified = self.said("gh attestation verify")[0]
        self.assertIn(f"oci://{REGISTRY}/couplet-ci-board@{REVIEWED} --repo ada/engine", verified)
        self.assertIn("--signer-workflow ada/engine/.github/workflows/ci.yml", verified)
        self.assertIn(f"imageTag=pr-12-{HEAD}", " ".join(self.said("aws ecr")))

    def anew(self, why):
        self.images(main=[None, None, BUILT], pr=[REVIEWED], candidate=[None, BUILT])
        done = self.publish()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(why, done.stderr)
        self.assertTrue(self.built())
        self.assertEqual(
            self.copies(),
            [f"--tag {REGISTRY}/couplet-production-board:candidate-{MAIN} {REGISTRY}/couplet-staging-board@{BUILT}"],
        )

    def test_what_nobody_has_signed_is_built_anew(self):
        self.signed = False
        self.anew("GitHub has not signed")

    def test_what_was_built_of_other_files_is_built_anew(self):
        self.trees[TRIAL] = "other"
        self.anew("other files")

    def test_a_commit_that_comes_from_no_pull_request_is_built(self):
        self.pulls[0]["merge_commit_sha"] = HEAD
        self.anew("comes from no pull request")

    def test_a_pull_request_without_an_image_is_built(self):
        self.images(pr=[None])
        self.anew("has pushed none")

    def test_a_run_that_is_repeated_does_nothing_twice(self):
        self.images(main=[BUILT], candidate=[BUILT])
        self.assertEqual(self.publish().returncode, 0)
        self.assertFalse(self.built() or self.copies())

    def test_a_tag_that_is_another_image_is_an_error(self):
        self.images(main=[BUILT], candidate=[REVIEWED])
        self.assertIn(f"is {REVIEWED} and not {BUILT}", self.publish().stderr)

    def test_an_old_run_pushes_nothing(self):
        self.newest = HEAD
        self.assertEqual(self.publish().returncode, 0)
        self.assertEqual(self.said("aws") + self.said("docker"), [])
