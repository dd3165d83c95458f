# Where the state is. Which environment's state, and in whose bucket, is said when a directory is initialised:
#
#     terraform init -backend-config=environments/production.s3.tfbackend -backend-config=bucket=<bootstrap's state_bucket>
#
# The bucket is made by bootstrap/. Its name has the account's number in it, which is why it is not written here.
terraform {
  backend "s3" {
    # At rest, with S3's own key. Default: false.
    encrypt = true

    # A lock is an object beside the state, which S3 lets only one writer create. Default: no lock.
    use_lockfile = true
  }
}
